"""The test's photo has white, blue, green, brown and black areas with some variation, as a landscape does."""

import pytest
import torch
import torch.nn.functional as F
from kornia.color import lab_to_rgb, rgb_to_lab
from torch import Tensor

from sinct.measures.casts import (
    CELL,
    STEP,
    Colours,
    colours,
    foreign,
    foreign_colours,
    missing,
    missing_colours,
)

AREAS = [(92, 0, 3), (65, -5, -25), (45, -20, 25), (35, 10, 20), (12, 1, 2)]
"""CIELAB of clouds, sky, grass, earth and shadows."""


def picture(lab: Tensor) -> Tensor:
    """(3, H, W) CIELAB -> (3, H, W) sRGB in [-1, 1]."""
    return lab_to_rgb(lab[None])[0].clamp(0, 1) * 2 - 1


def photo_lab() -> Tensor:
    """(3, 320, 256) CIELAB: five bands, lightness and hue of each varying smoothly within."""
    bands = torch.tensor(AREAS, dtype=torch.float32).repeat_interleave(64, dim=0).T[:, :, None]
    varying = torch.randn(1, 3, 10, 8, generator=torch.Generator().manual_seed(0)) * 2
    return bands + F.interpolate(varying, (320, 256), mode="bicubic")[0]


def photo() -> Tensor:
    return picture(photo_lab())


def tinted(band: int, a: float, b: float, lightness: float = 0.0) -> Tensor:
    """The photo with one band's colour moved."""
    lab = photo_lab()
    lab[:, 64 * band : 64 * (band + 1)] += torch.tensor([lightness, a, b])[:, None, None]
    return picture(lab)


def both(output: Tensor) -> float:
    return foreign_colours(output, photo()) + missing_colours(output, photo())


def test_cells_are_means_of_pixels() -> None:
    random = torch.rand(3, 2 * CELL, 3 * CELL, generator=torch.Generator().manual_seed(1)) * 2 - 1
    found = colours(random)
    expected = []
    for top in (0, CELL):
        for left in (0, CELL, 2 * CELL):
            mean = random[:, top : top + CELL, left : left + CELL].mean(dim=(1, 2))
            expected.append((rgb_to_lab(((mean + 1) / 2).view(3, 1, 1)).flatten() / STEP).round() * STEP)
    assert {tuple(colour.tolist()) for colour in (found.steps * STEP)} == {
        tuple(c.tolist()) for c in expected
    }
    assert float(found.shares.sum()) == pytest.approx(1)


def test_both_halves_are_those_of_slow_loops() -> None:
    random = torch.Generator().manual_seed(2)
    many, few = (torch.randint(-50, 50, (count, 3), generator=random).float() for count in (1500, 7))
    shares = torch.rand(1500, generator=random)
    distances = [min(float(STEP * (one - other).norm()) for other in few) for one in many]
    weighted = list(zip(shares.tolist(), distances, strict=True))
    some, others = Colours(many, shares), Colours(few, torch.full((7,), 1 / 7))
    root_mean_square = sum(share * distance**2 for share, distance in weighted) ** 0.5
    assert foreign(some, others) == pytest.approx(root_mean_square, rel=1e-5)  # float32
    mean = sum(share * distance for share, distance in weighted)
    assert missing(others, some) == pytest.approx(mean, rel=1e-5)  # as above


def test_the_photo_itself_has_no_cast() -> None:
    assert foreign_colours(photo(), photo()) == missing_colours(photo(), photo()) == 0


def test_two_flat_pictures_are_apart_by_their_difference() -> None:
    grey, blue = (
        picture(torch.tensor(lab).view(3, 1, 1).expand(3, 20, 20)) for lab in ((50.0, 0, 0), (56.0, 0, -8))
    )
    assert foreign_colours(grey, blue) == pytest.approx(10, abs=0.01)
    assert missing_colours(grey, blue) == pytest.approx(10, abs=0.01)


def test_another_arrangement_is_no_cast() -> None:
    assert both(photo().flip(1)) == both(photo().flip(2)) == 0
    assert foreign_colours(photo()[:, 64:], photo()) == 0  # without the clouds
    assert missing_colours(photo()[:, 64:], photo()) > 5


@pytest.mark.parametrize(
    ("band", "a", "b", "lightness"),
    [
        (4, 20, -20, 5),  # violet shadows
        (4, 5, -22, 5),  # indigo shadows
        (1, 5, 25, 27),  # a white sky
        (1, 25, 25, 10),  # a pink one
        (1, 5, 60, 10),  # a yellow one
        (0, 0, -15, -30),  # chalk at dusk
        (2, 18, -15, -25),  # dark brown grass
    ],
)
def test_casts_in_a_part_are_worse_than_another_crop(band: int, a: float, b: float, lightness: float) -> None:
    crop = photo()[:, 30:-30, 40:-3]
    assert both(tinted(band, a, b, lightness)) > 3 * both(crop)


def test_violet_shadows_are_foreign_and_white_that_turned_into_sky_is_missing() -> None:
    violet = tinted(4, 20, -20, 5)
    assert foreign_colours(violet, photo()) > 5
    dull = tinted(0, -5, -28, -27)
    assert foreign_colours(dull, photo()) < 2
    assert missing_colours(dull, photo()) > 30 / 5  # a fifth of the photo is more than 30 ΔE away


def test_a_cast_grows_with_its_strength() -> None:
    for change in (
        lambda strength: tinted(4, strength, -strength),
        lambda strength: picture(photo_lab() + torch.tensor([0, 0, -strength]).view(3, 1, 1)),
    ):
        found = [both(change(float(strength))) for strength in (0, 4, 8, 16, 32)]
        assert found == sorted(set(found))


def test_amount_does_not_matter() -> None:
    mostly_shadow = torch.cat([photo()[:, ::4], photo()[:, 256:].repeat(1, 4, 1)], dim=1)
    assert both(mostly_shadow) < 2  # thinned rows mix two colours in a cell


def test_grain_does_not_count() -> None:
    grain = 0.1 * torch.randn(3, 320, 256, generator=torch.Generator().manual_seed(3))
    assert both(photo() + grain) < STEP


def test_a_single_stray_cell_of_the_photo_is_hardly_missed() -> None:
    stray = photo()
    stray[:, :CELL, :CELL] = torch.tensor([1.0, -1, 1])[:, None, None]
    assert missing_colours(photo(), stray) < 0.1


def test_a_picture_smaller_than_a_cell_is_one_colour() -> None:
    assert len(colours(torch.rand(3, 3, 20)).steps) <= 2
