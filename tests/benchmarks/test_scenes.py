import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from kornia.filters import gaussian_blur2d
from torch import Tensor

from benchmarks import scenes
from benchmarks.measures import (
    COLUMNS,
    PAIR_MEASURES,
    TRUTH_MEASURES,
    against_truth,
    crispness,
    remaining_strokes,
    truth_distance,
)
from benchmarks.scenes import RECIPES, known_pair, load_scene, make_halves, real_pair, select
from sinct import ConfigError, InputError
from sinct.comparison.methods.colour_transfer import transfer_colours

RECIPE = replace(RECIPES["coffee"], brush_sizes=(6.0, 3.0))


def scene(height: int = 40, width: int = 61) -> np.ndarray:
    return np.random.default_rng(0).random((height, width, 3)).astype(np.float32)


# Pairs


@pytest.mark.parametrize("left", [True, False])
def test_the_halves_are_one_scene_without_its_middle_column(left: bool) -> None:
    whole = scene()
    photo, truth, painting = make_halves(whole, replace(RECIPE, painted_left=left))
    sides = [truth, photo] if left else [photo, truth]
    np.testing.assert_array_equal(np.concatenate(sides, axis=1), np.delete(whole, 30, axis=1))
    assert painting.shape == truth.shape
    assert np.abs(painting - truth).mean() > 0.02


def test_a_pair_is_made_once_and_again_with_another_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    monkeypatch.setattr(scenes, "load_scene", lambda name, enlarge: made.append(name) or scene())
    first, second = known_pair(RECIPE, tmp_path), known_pair(RECIPE, tmp_path)
    assert made == ["coffee.png"]
    assert torch.equal(first.painting, second.painting)
    assert first.truth.shape == first.photo.shape == (3, 40, 30)
    other = known_pair(replace(RECIPE, seed=9), tmp_path)
    assert len(made) == 2
    assert other.key != first.key
    assert not torch.equal(other.painting, first.painting)
    assert torch.equal(other.truth, first.truth)


@pytest.mark.parametrize("recipe", [r for r in RECIPES.values() if r.scene != "coast"], ids=lambda r: r.name)
def test_halves_of_packaged_photographs_are_large_enough(recipe: scenes.Recipe) -> None:
    pytest.importorskip("skimage")
    height, width, channels = load_scene(recipe.scene, recipe.enlarge).shape
    assert channels == 3
    assert min(height, width // 2) >= 384


def test_unknown_pair_is_refused() -> None:
    with pytest.raises(InputError, match="unknown pair 'moon'; there are coast, "):
        select(["moon"])


def test_a_real_pair_has_no_truth(make_picture) -> None:
    pair = real_pair(make_picture("mine.png"), make_picture("photo.png", seed=1))
    assert (pair.name, pair.truth) == ("mine", None)


# Measures


def picture(seed: int, sigma: float) -> Tensor:
    noise = torch.randn(1, 3, 100, 131, generator=torch.Generator().manual_seed(seed))
    return (gaussian_blur2d(noise, (31, 31), (sigma, sigma))[0] * sigma).clamp(-1, 1) * 0.6


@pytest.fixture(scope="module")
def truth() -> Tensor:
    return picture(0, 2.0)


@pytest.fixture(scope="module")
def painting(truth: Tensor) -> Tensor:
    """Coarse strokes over a blurred truth, so that it also lacks some of its detail."""
    return 0.6 * gaussian_blur2d(truth[None], (9, 9), (2.0, 2.0))[0] + 0.3 * picture(1, 1.5)


def test_the_painting_has_all_of_its_strokes_and_the_truth_none(painting: Tensor, truth: Tensor) -> None:
    assert remaining_strokes(painting, painting, truth) == pytest.approx(1, abs=1e-6)
    assert remaining_strokes(truth, painting, truth) == pytest.approx(0, abs=1e-6)


def test_strokes_are_counted_by_amplitude(painting: Tensor, truth: Tensor) -> None:
    # Not exactly, since mixing in sRGB is not mixing in CIELAB.
    assert remaining_strokes((painting + truth) / 2, painting, truth) == pytest.approx(0.5, abs=0.05)


def test_neither_a_wide_blur_nor_another_picture_counts_as_strokes(painting: Tensor, truth: Tensor) -> None:
    blurred = gaussian_blur2d(painting[None], (49, 49), (8.0, 8.0))[0]
    assert abs(remaining_strokes(blurred, painting, truth)) < 0.1
    # Twelve patches of blobs leave something to chance; pictures of 800 px stay below 0.01.
    assert abs(remaining_strokes(picture(5, 1.5), painting, truth)) < 0.2


def test_colour_transfer_leaves_strokes(painting: Tensor, truth: Tensor) -> None:
    moved = transfer_colours(painting.double(), truth.double(), iterations=5, seed=0).float()
    assert remaining_strokes(moved, painting, truth) > 0.7


def test_distance_to_the_truth_is_of_colour_and_not_of_texture(truth: Tensor) -> None:
    assert truth_distance(truth, truth) == 0
    assert truth_distance(truth + 0.1, truth) > 3
    grain = 0.1 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(3))
    assert truth_distance(truth + grain, truth) < 0.3 * truth_distance(truth + 0.1, truth)


def test_distance_of_black_and_white_is_a_hundred() -> None:
    black = torch.full((3, 40, 40), -1.0)
    assert truth_distance(black, -black) == pytest.approx(100, abs=0.1)


def test_the_paintings_distance_to_the_truth_is_the_unit_of_the_ratio(
    painting: Tensor, truth: Tensor
) -> None:
    assert against_truth(painting, painting, truth)["truth_ratio"] == 1
    assert against_truth(truth, painting, truth)["truth_ratio"] == 0
    found = against_truth((painting + truth) / 2, painting, truth)
    assert found["truth_ratio"] == found["truth_distance"] / truth_distance(painting, truth)
    assert against_truth(painting, truth, truth)["truth_ratio"] == math.inf


def test_crispness_is_energy_relative_to_the_photos(truth: Tensor) -> None:
    assert crispness(truth, truth) == 1
    assert crispness(truth.flip(1), truth) == pytest.approx(1)
    assert crispness(truth / 2 + 0.3, truth) == pytest.approx(1 / 4)  # energy is the square of contrast
    noise = torch.rand(3, 200, 200, generator=torch.Generator().manual_seed(4))
    soft = F.avg_pool2d(noise[None], 3, stride=1)[0]
    # Neighbouring means of 3x3 px differ by three pixels that leave and three that come: 6/81 instead of 2.
    assert crispness(soft, noise) == pytest.approx(6 / 81 / 2, rel=0.05)  # a sample of 40,000 px


def test_crispness_of_flat_pictures_is_defined(truth: Tensor) -> None:
    flat = torch.zeros(3, 40, 50)
    assert crispness(flat, truth) == 0
    assert crispness(flat, flat) == 1
    assert crispness(truth, flat) == math.inf


def test_a_picture_too_small_to_compare_is_refused() -> None:
    small = torch.zeros(3, 12, 40)
    with pytest.raises(ConfigError, match="pictures of 40x12 px are too small"):
        truth_distance(small, small)


def test_every_measure_of_the_truth_has_a_column(painting: Tensor, truth: Tensor) -> None:
    found = against_truth(painting, painting, truth)
    assert list(found) == [measure.name for measure in TRUTH_MEASURES]
    names = [measure.name for measure in COLUMNS]
    assert sorted(names) == sorted([*PAIR_MEASURES, "crispness", *found])
