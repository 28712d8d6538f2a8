import math
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from sinct.comparison.methods import Job, find
from sinct.comparison.methods._pyramid import plan_levels, resize
from sinct.comparison.methods.gpdm import quantiles, random_filters, run, sliced_wasserstein, with_margin
from sinct.errors import ConfigError, InputError, Interrupted
from sinct.runtime.budget import Budget
from sinct.weights.store import Weights


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def unit_filters(count: int, size: int, seed: int = 9, channels: int = 3) -> Tensor:
    return random_filters(count, channels, size, torch.Generator().manual_seed(seed), dtype=torch.float64)


def ramp(*shape: int) -> Tensor:
    """1, 2, 3, … row by row, for reference inputs from a formula."""
    return torch.arange(1, math.prod(shape) + 1, dtype=torch.float64).view(shape)


def job(folder: Path, iterations: int = 2, seed: int = 0, **budget) -> Job:
    return Job(
        budget=Budget(iterations=iterations, **budget),
        device=torch.device("cpu"),
        seed=seed,
        folder=folder,
        weights=Weights(random=True),
    )


# Sliced Wasserstein distance


def slow_projections(picture: Tensor, weight: Tensor, stride: int = 1) -> list[float]:
    size = weight.shape[-1]
    rows = range(0, picture.shape[1] - size + 1, stride)
    columns = range(0, picture.shape[2] - size + 1, stride)
    return [float((picture[:, i : i + size, j : j + size] * weight).sum()) for i in rows for j in columns]


def slow_quantile(values: list[float], share: float) -> float:
    values = sorted(values)
    place = min(max(share * len(values) - 0.5, 0), len(values) - 1)
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (place - low) * (values[high] - values[low])


def slow_sliced_wasserstein(x: Tensor, y: Tensor, filters: Tensor, stride: int = 1) -> float:
    total = 0.0
    for weight in filters:
        mine, its = sorted(slow_projections(x, weight, stride)), slow_projections(y, weight, stride)
        n = len(mine)
        total += sum(abs(v - slow_quantile(its, (r + 0.5) / n)) for r, v in enumerate(mine)) / n
    return total / len(filters)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("other", [(7, 9), (5, 6), (11, 8)], ids=["as many", "fewer", "more"])
def test_sliced_wasserstein_equals_a_slow_loop(other: tuple[int, int], stride: int) -> None:
    x, y, filters = noise(3, 7, 9), noise(3, *other, seed=1), unit_filters(4, 3)
    expected = slow_sliced_wasserstein(x, y, filters, stride)
    assert sliced_wasserstein(x, y, filters, stride=stride).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("size", [1, 3, 7])
def test_sliced_wasserstein_of_a_picture_with_itself_is_zero(size: int) -> None:
    x = noise(3, 9, 11)
    assert sliced_wasserstein(x, x, unit_filters(5, size)).item() == 0


def test_sliced_wasserstein_does_not_mind_the_order_of_patches() -> None:
    x, y, filters = noise(3, 6, 8), noise(3, 5, 7, seed=1), unit_filters(4, 1)
    shuffled = x.flatten(1)[:, torch.randperm(48, generator=torch.Generator().manual_seed(2))].view_as(x)
    torch.testing.assert_close(sliced_wasserstein(shuffled, y, filters), sliced_wasserstein(x, y, filters))


def test_sliced_wasserstein_of_a_picture_with_two_copies_of_its_pixels_is_nearly_zero() -> None:
    """Quantiles of more samples lie between those of fewer, at most one gap between neighbours away."""
    x, filters = noise(3, 20, 20), unit_filters(4, 1)
    assert sliced_wasserstein(x, torch.cat([x, x], dim=1), filters) < 0.01


def test_sliced_wasserstein_of_pictures_that_differ_by_a_constant() -> None:
    """Every projection is moved by c times the sum of its filter."""
    x, filters = noise(3, 8, 9), unit_filters(6, 3)
    expected = 0.3 * filters.sum(dim=(1, 2, 3)).abs().mean()
    torch.testing.assert_close(sliced_wasserstein(x + 0.3, x, filters), expected)


def test_sliced_wasserstein_of_one_pixel_against_another_is_their_projected_difference() -> None:
    x, y, filters = noise(3, 1, 1), noise(3, 1, 1, seed=1), unit_filters(7, 1)
    expected = (filters.flatten(1) @ (x - y).flatten()).abs().mean()
    torch.testing.assert_close(sliced_wasserstein(x, y, filters), expected)


def test_sliced_wasserstein_passes_gradcheck() -> None:
    y, filters = noise(2, 4, 5, seed=1), unit_filters(3, 3, channels=2)
    x = noise(2, 5, 6).requires_grad_()
    assert gradcheck(lambda x: sliced_wasserstein(x, y, filters), x)


def test_sliced_wasserstein_gives_no_gradient_to_the_photo() -> None:
    x, y = noise(3, 5, 5).requires_grad_(), noise(3, 5, 5, seed=1).requires_grad_()
    sliced_wasserstein(x, y, unit_filters(3, 3)).backward()
    assert x.grad is not None
    assert y.grad is None


def test_sliced_wasserstein_keeps_the_precision_of_its_inputs() -> None:
    x, filters = noise(3, 5, 5), unit_filters(3, 3)
    assert sliced_wasserstein(x, x + 1, filters).dtype == torch.float64
    assert sliced_wasserstein(x.float(), x.float(), filters.float()).dtype == torch.float32


@pytest.mark.parametrize(
    ("height", "width", "stride", "expected"),
    [(6, 7, 1, 0.5756063218), (5, 9, 1, 0.4330587324), (4, 5, 1, 0.5646715722), (6, 7, 2, 0.4957952642)],
)
def test_sliced_wasserstein_reference_values(height: int, width: int, stride: int, expected: float) -> None:
    """The table of the methods' README, where the values come from the slow loop above."""
    x, y = ramp(3, 5, 6).sin(), ramp(3, height, width).cos()
    filters = ramp(2, 3, 3, 3).square().sin()
    filters = filters / filters.square().sum(dim=(1, 2, 3), keepdim=True).sqrt()
    assert sliced_wasserstein(x, y, filters, stride=stride).item() == pytest.approx(expected, abs=1e-9)
    assert slow_sliced_wasserstein(x, y, filters, stride) == pytest.approx(expected, abs=1e-9)


# Quantiles and filters


def test_quantiles_of_as_many_samples_are_the_samples() -> None:
    values = noise(3, 17).sort(dim=1).values
    torch.testing.assert_close(quantiles(values, 17), values, rtol=0, atol=1e-12)


@pytest.mark.parametrize("count", [1, 4, 30])
def test_quantiles_equal_a_slow_loop(count: int) -> None:
    values = noise(2, 7).sort(dim=1).values
    expected = [[slow_quantile(row.tolist(), (k + 0.5) / count) for k in range(count)] for row in values]
    torch.testing.assert_close(quantiles(values, count), torch.tensor(expected, dtype=torch.float64))


def test_quantiles_of_a_single_sample_repeat_it() -> None:
    assert quantiles(torch.tensor([[2.0]]), 3).tolist() == [[2, 2, 2]]


def test_filters_have_unit_norm_and_the_shape_of_patches() -> None:
    filters = unit_filters(5, 3)
    assert filters.shape == (5, 3, 3, 3)
    torch.testing.assert_close(filters.flatten(1).norm(dim=1), torch.ones(5, dtype=torch.float64))


@pytest.mark.parametrize("size", [1, 3, 7])
def test_with_a_margin_every_pixel_lies_in_as_many_patches_as_it_has_pixels(size: int) -> None:
    x = torch.zeros(1, 8, 9, requires_grad=True)
    torch.nn.functional.conv2d(with_margin(x, size)[None], torch.ones(1, 1, size, size)).sum().backward()
    assert x.grad is not None
    assert x.grad.min() == size**2  # each patch adds one to the gradient of its pixels


# Pyramid


def test_levels_end_with_the_paintings_size_and_begin_near_the_coarsest() -> None:
    levels = plan_levels((96, 121), (75, 100), coarsest=54, ratio=0.75, patch_size=7)
    assert [level.painting for level in levels] == [(54, 68), (72, 91), (96, 121)]
    assert [level.photo for level in levels] == [(42, 56), (56, 75), (75, 100)]
    assert sum(level.share for level in levels) == pytest.approx(1)


def test_a_larger_photo_is_reduced_to_as_many_pixels_as_the_painting() -> None:
    (level,) = plan_levels((50, 80), (400, 160), coarsest=50, ratio=0.75, patch_size=7)
    assert level.photo == (100, 40)


def test_a_painting_smaller_than_the_coarsest_level_has_one_level() -> None:
    (level,) = plan_levels((20, 31), (64, 48), coarsest=256, ratio=0.75, patch_size=7)
    assert level.painting == (20, 31)


def test_no_level_is_smaller_than_a_patch() -> None:
    levels = plan_levels((9, 200), (10, 90), coarsest=2, ratio=0.5, patch_size=7)
    assert all(min(*level.painting, *level.photo) >= 7 for level in levels)


def test_resizing_to_the_same_size_changes_nothing() -> None:
    picture = noise(3, 5, 7)
    assert resize(picture, (5, 7)) is picture


# The run


def test_run_is_deterministic_for_a_seed(tmp_path: Path) -> None:
    painting, photo = noise(3, 21, 26).float().tanh(), noise(3, 19, 24, seed=1).float().tanh()
    results = [
        run(painting, photo, job(tmp_path, seed=seed), coarsest=12, projections=4).pixels
        for seed in (0, 0, 1)
    ]
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


@pytest.mark.parametrize(
    ("size", "other"),
    [((7, 7), (9, 8)), ((23, 15), (40, 61)), ((31, 64), (7, 30))],
    ids=["tiny", "larger photo", "flat photo"],
)
def test_run_gives_a_picture_of_the_paintings_size(
    tmp_path: Path, size: tuple[int, int], other: tuple[int, int]
) -> None:
    result = run(
        noise(3, *size).float().tanh(),
        noise(3, *other).float().tanh(),
        job(tmp_path),
        coarsest=16,
        positions=60,
    )
    assert result.pixels.shape == (3, *size)
    assert result.pixels.dtype == torch.float32
    assert result.pixels.abs().max() <= 1


def test_run_brings_the_patches_nearer_to_the_photos(tmp_path: Path) -> None:
    painting, photo = 0.2 * noise(3, 24, 24).float().tanh(), 0.5 + 0.2 * noise(3, 20, 28, seed=1).float()
    filters = unit_filters(32, 7).float()
    result = run(painting, photo, job(tmp_path, iterations=60), coarsest=24, steps=60, learning_rate=0.05)
    before, after = (sliced_wasserstein(x, photo, filters).item() for x in (painting, result.pixels))
    assert after < 0.3 * before


def test_run_moves_every_pixel_by_the_whole_learning_rate_at_first(tmp_path: Path) -> None:
    """Adam's first step is its learning rate, whatever the gradient."""
    painting, photo = torch.zeros(3, 12, 12), torch.ones(3, 12, 12)
    result = run(painting, photo, job(tmp_path, iterations=1), learning_rate=0.25)
    # but for the 1e-8 that Adam adds to gradients
    torch.testing.assert_close(result.pixels.abs(), torch.full((3, 12, 12), 0.25), rtol=0.01, atol=0)


def test_run_says_what_it_did(tmp_path: Path) -> None:
    result = run(noise(3, 20, 30).float().tanh(), noise(3, 16, 16).float().tanh(), job(tmp_path), coarsest=15)
    assert [level["size"] for level in result.facts["levels"]] == ["22x15", "30x20"]
    assert [level["photo"] for level in result.facts["levels"]] == ["12x12", "16x16"]
    assert [level["steps"] for level in result.facts["levels"]] == [2, 2]


def test_run_notices_an_interrupt(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run(noise(3, 9, 9).float(), noise(3, 9, 9).float(), job(tmp_path, should_stop=lambda: True))


def test_run_refuses_a_picture_smaller_than_a_patch(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="photo 30x6 px is smaller than a patch of 7 px; give a larger picture"
    ):
        run(torch.zeros(3, 20, 20), torch.zeros(3, 6, 30), job(tmp_path))


def test_run_refuses_a_ratio_that_does_not_shrink(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ratio 1\.5 must be between 0 and 1"):
        run(torch.zeros(3, 20, 20), torch.zeros(3, 20, 20), job(tmp_path), ratio=1.5)


def test_it_declares_the_measures_that_it_minimises() -> None:
    assert find("gpdm").optimises == ("sliced_wasserstein", "sliced_wasserstein_texture")
