import math

import pytest
import torch
from kornia.color import rgb_to_lab
from kornia.filters import gaussian_blur2d
from torch import Tensor

from sinct.errors import ConfigError
from sinct.measures.distribution import (
    colour_distance,
    patch_distributions,
    sliced_wasserstein,
    sorted_projections,
    wasserstein,
)
from sinct.measures.pyramid import gaussian_pyramid, sampled_patches


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def picture(height: int = 61, width: int = 80, seed: int = 0) -> Tensor:
    """Smooth coloured noise with some grain."""
    coarse = gaussian_blur2d(noise(1, 3, height, width, seed=seed), (13, 13), (3, 3))[0]
    return (coarse * 2 + 0.05 * noise(3, height, width, seed=seed + 1)).clamp(-0.9, 0.9)


# Pyramid and patches


def test_pyramid_halves_odd_sides() -> None:
    sizes = [tuple(level.shape) for level in gaussian_pyramid(torch.zeros(3, 61, 81), 3)]
    assert sizes == [(3, 61, 81), (3, 30, 40), (3, 15, 20)]


def test_pyramid_keeps_a_constant() -> None:
    for level in gaussian_pyramid(torch.full((1, 33, 20), 0.3), 4):
        torch.testing.assert_close(level, torch.full_like(level, 0.3))


def test_pyramid_of_a_small_picture_has_fewer_levels() -> None:
    assert len(gaussian_pyramid(torch.zeros(3, 20, 40), 4, smallest=7)) == 2


def test_pyramid_refuses_a_picture_smaller_than_its_smallest_level() -> None:
    with pytest.raises(
        ConfigError, match="picture of 40x6 px is too small to measure; give one of at least 7 px"
    ):
        gaussian_pyramid(torch.zeros(3, 6, 40), 4, smallest=7)


def test_sampled_patches_are_all_patches_once_where_there_are_few() -> None:
    x = torch.arange(2 * 4 * 5.0).view(2, 4, 5)
    expected = {tuple(x[:, i : i + 3, j : j + 3].flatten().tolist()) for i in range(2) for j in range(3)}
    found = sampled_patches(x, 3, 100, seed=0)
    assert found.shape == (6, 18)
    assert set(map(tuple, found.tolist())) == expected


# Wasserstein


def slow_wasserstein(a: list[float], b: list[float]) -> float:
    """Integral of |F⁻¹ - G⁻¹| over all (NM) pieces of equal width."""
    n, m = len(a), len(b)
    return sum(abs(sorted(a)[k // m] - sorted(b)[k // n]) for k in range(n * m)) / (n * m)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (5, 5), (4, 6), (7, 3), (1, 9), (12, 35)])
def test_wasserstein_equals_a_slow_loop(n: int, m: int) -> None:
    a, b = noise(2, n, dtype=torch.float64), noise(2, m, seed=1, dtype=torch.float64)
    found = wasserstein(a.sort(1).values, b.sort(1).values)
    expected = [slow_wasserstein(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    assert found.tolist() == pytest.approx(expected, rel=1e-12)


def test_wasserstein_of_a_set_and_the_set_twice_is_0() -> None:
    a = noise(1, 6).sort(1).values
    assert wasserstein(a, a.repeat_interleave(2, 1)).item() == pytest.approx(0, abs=1e-7)  # float32 widths


def test_wasserstein_of_a_shifted_set_is_the_shift() -> None:
    a = noise(1, 6, dtype=torch.float64).sort(1).values
    assert wasserstein(a, a + 0.7).item() == pytest.approx(0.7)


# Projections


@pytest.mark.parametrize("dimensions", [1, 2, 3, 147])
def test_projections_of_a_shift_are_the_shift_on_average(dimensions: int) -> None:
    shift = torch.zeros(1, dimensions, dtype=torch.float64)
    shift[0, 0] = 5
    found = sorted_projections(shift, 20_000, seed=0).abs().mean().item()
    assert found == pytest.approx(5, rel=0.02)  # three standard errors of 20,000 directions


def test_projections_depend_on_the_seed_only() -> None:
    points = noise(9, 3)
    torch.rand(1)
    assert torch.equal(sorted_projections(points, 4, seed=1), sorted_projections(points, 4, seed=1))
    assert not torch.equal(sorted_projections(points, 4, seed=1), sorted_projections(points, 4, seed=2))


# Sliced Wasserstein distance of patches


def test_patch_distributions_equal_a_slow_loop() -> None:
    """One level, all patches, the same directions."""
    x = picture(9, 8)
    generator = torch.Generator().manual_seed(3)
    directions = torch.randn(27, 2, generator=generator).double()
    scale = math.gamma(13.5) / (math.sqrt(math.pi) * math.gamma(14))
    expected: list[list[float]] = []
    for k in range(2):
        unit = directions[:, k] / math.sqrt(sum(w * w for w in directions[:, k].tolist()))
        values = []
        for i in range(7):
            for j in range(6):
                patch = x[:, i : i + 3, j : j + 3].double() * 127.5
                centred = torch.stack([channel - channel.mean() for channel in patch])
                values.append(float(centred.flatten() @ unit) / math.sqrt(27) / scale)
        expected.append(sorted(values))
    (found,) = patch_distributions(
        x, without_means=True, patch=3, levels=1, projections=2, samples=1000, seed=3
    )
    torch.testing.assert_close(found.double(), torch.tensor(expected).double(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("without_means", [False, True])
def test_sliced_wasserstein_of_a_picture_with_itself_is_0(without_means: bool) -> None:
    assert sliced_wasserstein(picture(), picture(), without_means=without_means) == 0


def test_sliced_wasserstein_is_symmetric() -> None:
    a, b = picture(), picture(40, 55, seed=7)
    assert sliced_wasserstein(a, b) == pytest.approx(sliced_wasserstein(b, a), rel=1e-5)


def test_sliced_wasserstein_of_a_brighter_picture_is_about_the_shift_in_grey_levels() -> None:
    found = sliced_wasserstein(picture(), picture() + 10 / 127.5)
    assert found == pytest.approx(10, rel=0.2)  # the mean of 128 |N(0, 1)| errs by 7% (one standard error)


def test_sliced_wasserstein_without_means_does_not_see_a_shift_of_colour() -> None:
    shift = torch.tensor([0.05, -0.02, 0.08]).view(3, 1, 1)
    assert sliced_wasserstein(picture(), picture() + shift, without_means=True) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("without_means", [False, True])
def test_sliced_wasserstein_grows_with_blur(without_means: bool) -> None:
    x = picture()
    blurred = [gaussian_blur2d(x[None], (13, 13), (s, s))[0] for s in (0.5, 1.0, 2.0, 3.0)]
    found = [sliced_wasserstein(y, x, without_means=without_means) for y in blurred]
    assert found == sorted(found)
    assert found[0] > 0


@pytest.mark.parametrize(("height", "width"), [(7, 7), (7, 50), (31, 8), (63, 65)])
def test_sliced_wasserstein_takes_any_size(height: int, width: int) -> None:
    assert sliced_wasserstein(picture(height, width), picture()) > 0


def test_sliced_wasserstein_refuses_pictures_smaller_than_a_patch() -> None:
    with pytest.raises(ConfigError, match="at least 7 px per side"):
        sliced_wasserstein(torch.zeros(3, 6, 9), picture())


# Colour


def test_colour_distance_of_a_picture_with_itself_is_0() -> None:
    assert colour_distance(picture(), picture()) == 0


def test_colour_distance_does_not_see_what_stands_where() -> None:
    x = picture()
    shuffled = x.flatten(1)[:, torch.randperm(61 * 80, generator=torch.Generator().manual_seed(0))].view_as(x)
    assert colour_distance(shuffled, x) == pytest.approx(0, abs=1e-4)


def test_colour_distance_of_two_greys_is_about_their_difference_in_lightness() -> None:
    dark, light = (torch.full((3, 8, 9), value) for value in (-0.2, 0.3))
    expected = (rgb_to_lab((light + 1) / 2) - rgb_to_lab((dark + 1) / 2))[0, 0, 0].item()
    assert colour_distance(light, dark) == pytest.approx(expected, rel=0.15)  # three standard errors


def test_colour_distance_grows_as_the_hue_turns() -> None:
    x = picture()
    turned = []
    for angle in (0.0, 0.2, 0.5, 1.0):
        grey = x.mean(0, keepdim=True)
        chroma = x - grey  # turned about the grey axis (Rodrigues)
        axis = torch.full((3, 1, 1), 3**-0.5)
        cross = torch.linalg.cross(axis.expand_as(chroma), chroma, dim=0)
        turned.append(grey + chroma * math.cos(angle) + cross * math.sin(angle))
    found = [colour_distance(y.clamp(-1, 1), x) for y in turned]
    assert found == sorted(found)
    assert found[-1] > 1
