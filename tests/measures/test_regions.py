"""Distances by region, on drawn pairs whose answers are known."""

import pytest
import torch
from kornia.color import lab_to_rgb

from sinct.errors import ConfigError
from sinct.measures import Evaluator
from sinct.measures.evaluator import BY_REGION
from sinct.measures.regions import (
    colour_gaps,
    mean_gap,
    region_colours,
    region_textures,
    texture_gaps,
)

HEIGHT, WIDTH = 96, 120


def halves(first: int, second: int) -> torch.Tensor:
    """Labels of what is above and below, (H, W)."""
    labels = torch.full((HEIGHT, WIDTH), first)
    labels[HEIGHT // 2 :] = second
    return labels


def greys(above: float, below: float) -> torch.Tensor:
    """L* of what is above and below, in grey, (3, H, W) in [-1, 1]."""
    lightness = torch.zeros(3, HEIGHT, WIDTH)
    lightness[0, : HEIGHT // 2], lightness[0, HEIGHT // 2 :] = above, below
    return lab_to_rgb(lightness[None])[0] * 2 - 1


def noise(strength: float, *, seed: int) -> torch.Tensor:
    return strength * torch.randn(3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(seed))


def test_colours_are_compared_with_those_of_the_same_region():
    """The photo has its light sky below: as a whole both have the same colours, region by region 0 or 40 ΔE."""
    photo = region_colours([greys(40, 80)], [halves(1, 0)])
    right = region_colours([greys(80, 40)], [halves(0, 1)])
    swapped = region_colours([greys(40, 80)], [halves(0, 1)])
    assert colour_gaps(right, photo) == pytest.approx({0: 0, 1: 0}, abs=1e-3)
    # A shift along one axis measures its length up to the directions that happened to be drawn.
    assert colour_gaps(swapped, photo) == pytest.approx({0: 40, 1: 40}, rel=0.1)


def test_textures_are_compared_with_those_of_the_same_region():
    smooth, rough = torch.zeros(3, HEIGHT, WIDTH), noise(0.2, seed=0)
    labels = halves(0, 1)
    mixed = torch.where(labels == 0, smooth, rough)
    again = torch.where(labels == 0, smooth, noise(0.2, seed=1))
    photo = region_textures([mixed], [labels])
    alike = texture_gaps(region_textures([again], [labels]), photo)
    strange = texture_gaps(region_textures([torch.where(labels == 0, rough, smooth)], [labels]), photo)
    assert alike[0] == pytest.approx(0, abs=1e-3)
    assert alike[1] < 1
    assert min(strange.values()) > 5


def test_texture_at_a_border_does_not_count():
    """Patches lie within a region, so the edge between two even ones is no texture."""
    labels = halves(0, 1)
    even = region_textures([greys(80, 40)], [labels])
    flat = region_textures([greys(50, 50)], [labels])
    assert texture_gaps(even, flat)[0] == pytest.approx(0, abs=0.02)


def test_several_photos_count_together():
    dark, light = torch.full((HEIGHT, WIDTH), 0), torch.full((HEIGHT, WIDTH), 1)
    photos = region_colours([greys(40, 40), greys(80, 80)], [dark, light])
    assert colour_gaps(region_colours([greys(80, 40)], [halves(1, 0)]), photos) == pytest.approx(
        {0: 0, 1: 0}, abs=1e-3
    )


def test_regions_count_by_their_share_of_the_painting():
    labels = torch.zeros(10, 10)
    labels[:2] = 1
    assert mean_gap({0: 1.0, 1: 6.0}, labels) == pytest.approx(2)
    assert mean_gap({1: 6.0}, labels) == pytest.approx(6)


def test_pictures_without_a_region_in_common_are_refused():
    with pytest.raises(ConfigError, match="have no region in common"):
        mean_gap({}, halves(0, 1))


def test_the_evaluator_measures_by_region_only_with_maps():
    painting, photo = greys(80, 40) + noise(0.02, seed=2), greys(40, 80) + noise(0.02, seed=3)
    labels = halves(0, 1), halves(1, 0)
    found = Evaluator(painting, photo, names=BY_REGION, regions=labels)
    assert found.measure(painting)["region_colour"] < 3
    assert found.measure(painting.flip(1))["region_colour"] > 30
    assert set(found.measure(painting)) == set(BY_REGION)
    without = Evaluator(painting, photo, names=BY_REGION)
    assert without.measure(painting) == {}
    assert not without.missing
