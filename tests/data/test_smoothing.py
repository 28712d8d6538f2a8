import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sinct.data.smoothing import add_divergence, add_gradient, total_variation_smooth

WEIGHT = 0.24
"""What the presets use on [-1, 1]."""


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2 - 1


def textured_edge() -> Tensor:
    """A step of height 1 with texture of 0.1 on both sides."""
    picture = torch.full((3, 24, 24), -0.5, dtype=torch.float64)
    picture[:, :, 12:] = 0.5
    return picture + 0.1 * noise(3, 24, 24)


def energy(u: Tensor, picture: Tensor, weight: float) -> float:
    """What the docstring minimises, channels coupled in the length of the gradient."""
    variation = 0.0
    _, height, width = u.shape
    for i in range(height):
        for j in range(width):
            down = u[:, i + 1, j] - u[:, i, j] if i + 1 < height else u[:, i, j] * 0
            right = u[:, i, j + 1] - u[:, i, j] if j + 1 < width else u[:, i, j] * 0
            variation += float(torch.cat([down, right]).norm())
    return float((u - picture).square().sum()) / 2 + weight * variation


def test_weight_0_returns_the_picture() -> None:
    picture = noise(3, 5, 7)
    assert torch.equal(total_variation_smooth(picture, 0), picture)


def test_constant_picture_is_unchanged() -> None:
    constant = torch.full((3, 6, 7), 0.4)
    assert torch.equal(total_variation_smooth(constant, WEIGHT), constant)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (5, 8)])
def test_size_and_dtype_are_kept(size: tuple[int, int]) -> None:
    smooth = total_variation_smooth(noise(3, *size).float(), WEIGHT)
    assert smooth.shape == (3, *size)
    assert smooth.dtype == torch.float32


def test_input_is_left_alone() -> None:
    picture = noise(3, 5, 7)
    total_variation_smooth(picture, WEIGHT)
    assert torch.equal(picture, noise(3, 5, 7))


@pytest.mark.parametrize(
    "picture",
    [noise(3, 16, 16), textured_edge(), 0.05 * noise(3, 16, 16)],
    ids=["noise", "edge", "faint texture"],
)
def test_energy_comes_within_a_few_per_cent_of_a_long_run(picture: Tensor) -> None:
    found, minimum, before = (
        energy(u, picture, WEIGHT)
        for u in (
            total_variation_smooth(picture, WEIGHT),
            total_variation_smooth(picture, WEIGHT, iterations=2000),
            picture,
        )
    )
    assert minimum - 1e-9 <= found <= 1.05 * minimum < before  # 1e-9: rounding of the sum


def test_pixel_pair_has_a_closed_form() -> None:
    """Two pixels move towards each other by the weight: the minimum of (u - f)² / 2 + w |u1 - u2|."""
    pair = torch.tensor([[[-0.5, 0.5]]], dtype=torch.float64)
    expected = torch.tensor([[[-0.3, 0.3]]], dtype=torch.float64)
    torch.testing.assert_close(total_variation_smooth(pair, 0.2), expected, rtol=0, atol=1e-6)  # converged


def test_divergence_is_minus_the_adjoint_of_gradient() -> None:
    x, field = noise(3, 5, 7), noise(2, 3, 5, 7, seed=1)
    field[0, :, -1] = field[1, :, :, -1] = 0  # beyond the far border, where the gradient is zero too
    gradient, divergence = torch.zeros_like(field), torch.zeros_like(x)
    add_gradient(gradient, x, 1.0)
    add_divergence(divergence, field)
    torch.testing.assert_close((gradient * field).sum(), -(x * divergence).sum())


@settings(max_examples=20, deadline=None, derandomize=True)
@given(height=st.integers(1, 13), width=st.integers(1, 13), seed=st.integers(0, 2**31))
def test_mean_is_kept(height: int, width: int, seed: int) -> None:
    picture = noise(3, height, width, seed=seed)
    torch.testing.assert_close(total_variation_smooth(picture, WEIGHT).mean((1, 2)), picture.mean((1, 2)))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    height=st.integers(1, 13),
    width=st.integers(1, 13),
    weight=st.floats(0.01, 2),
    seed=st.integers(0, 2**31),
)
def test_range_is_kept(height: int, width: int, weight: float, seed: int) -> None:
    picture = noise(3, height, width, seed=seed)
    smooth = total_variation_smooth(picture, weight)
    assert picture.min() - 1e-9 <= smooth.min()
    assert smooth.max() <= picture.max() + 1e-9


def test_strong_edge_stays_and_texture_goes() -> None:
    smooth = total_variation_smooth(textured_edge(), WEIGHT)
    left, right = smooth[:, :, :12], smooth[:, :, 12:]
    # A half moves by weight * edge length / area = 0.24 / 12, shared by the channels as 1 / √3
    assert (smooth[:, :, 12] - smooth[:, :, 11]).mean().item() == pytest.approx(1 - 2 * 0.0115, abs=0.05)
    assert max(left.std(), right.std()) < 0.02  # from 0.1 / √3 = 0.058


@pytest.mark.parametrize("iterations", [1, 2, 5])
def test_pixel_reaches_no_further_than_the_iterations(iterations: int) -> None:
    picture = noise(3, 21, 21)
    changed = picture.clone()
    changed[:, 10, 10] += 0.5
    before, after = (total_variation_smooth(x, WEIGHT, iterations=iterations) for x in (picture, changed))
    rows, columns = (before != after).any(dim=0).nonzero(as_tuple=True)
    assert max((rows - 10).abs().max(), (columns - 10).abs().max()) <= iterations
