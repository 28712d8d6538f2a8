"""Lines and rims of known length and height, drawn on grounds of known lightness."""

import math

import pytest
import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor

from sinct.errors import ConfigError
from sinct.measures.contours import dark_lines, light_rims, outlines, overshoot

SIZE = 240


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def distance(row: float = SIZE / 2, column: float = SIZE / 2) -> Tensor:
    """(SIZE, SIZE) distance from a point in pixels."""
    at = torch.arange(SIZE, dtype=torch.float32)
    return torch.hypot(at[:, None] - row, at - column)


def grey(values: Tensor) -> Tensor:
    return values.expand(3, -1, -1)


def ring(radius: float, *, width: float = 2.0, depth: float = -0.4) -> Tensor:
    """A soft line around the centre, above or below its ground."""
    return depth * torch.exp(-2 * ((distance() - radius) / width).square())


# Outlines


@pytest.mark.parametrize("radius", [30, 60, 90])
def test_length_of_a_drawn_circle(radius: float) -> None:
    """A line of one pixel's width counts 4/pi = 1.27 pixels a length at most, and a slanted one fewer."""
    expected = 1000 * 2 * math.pi * radius / SIZE**2
    assert dark_lines(grey(ring(radius))) == pytest.approx(expected, rel=0.3)


def test_each_further_outline_counts() -> None:
    found = [
        outlines(grey(sum(ring(30 * (1 + k)) for k in range(n))), torch.zeros(3, 64, 64)) for n in (1, 2, 3)
    ]
    assert 0 < found[0] < found[1] < found[2]


def test_light_lines_are_no_outlines_and_make_up_for_dark_ones() -> None:
    assert dark_lines(grey(ring(60, depth=0.4))) == 0
    both = grey(ring(60) + ring(90, depth=0.4))
    assert dark_lines(both) == 0


def test_an_outline_between_different_grounds_counts() -> None:
    inside = 0.2 * (distance() < 60)
    assert dark_lines(grey(ring(60) + inside)) > 0.7 * dark_lines(grey(ring(60)))


def test_an_edge_is_no_outline() -> None:
    disc = (distance() < 60).float()
    soft = gaussian_blur2d(disc[None, None], (9, 9), (1.0, 1.0))[0, 0]
    assert dark_lines(grey(soft)) == dark_lines(grey(disc)) == 0


def test_faint_and_broad_lines_are_none() -> None:
    assert dark_lines(grey(ring(60, depth=-0.06))) == 0  # 2.4 L*
    assert dark_lines(grey(ring(60, width=16, depth=-0.3))) == 0


def test_dashes_are_none() -> None:
    dashes = torch.zeros(SIZE, SIZE)
    dashes.view(-1, 24, SIZE // 20, 20)[:, 12:14, :, :8] = -0.5
    assert dark_lines(grey(dashes)) == 0


def test_noise_has_hardly_more_dark_lines_than_light_ones() -> None:
    assert dark_lines(0.3 * noise(3, SIZE, SIZE)) < 0.5


def test_lines_of_the_photo_do_not_count() -> None:
    assert outlines(grey(ring(60)), grey(ring(60))) == 0
    assert outlines(grey(ring(60)), grey(ring(90))) == 0


def test_outlines_are_the_same_mirrored_turned_and_darker() -> None:
    scene = grey(ring(60) + 0.2 * (distance(40, 90) < 30))
    found = [dark_lines(x) for x in (scene.flip(1), scene.flip(2), scene.mT, scene - 0.15)]
    assert found == pytest.approx([dark_lines(scene)] * 4, rel=0.02)


# Light rims


def dark_disc(*, rim: float = 0.0, width: float = 5.0, contrast: float = 1.0) -> Tensor:
    """Soft dark disc on lighter ground, with a rim whose crest lies 1.2 widths outside its edge."""
    away = distance() - 60
    step = torch.special.expit(1.5 * away)
    return grey(
        contrast * 0.8 * (step - 0.75 + rim * torch.exp(-0.5 * ((away - 1.2 * width) / (0.5 * width)) ** 2))
    )


def test_a_plain_edge_has_no_rim() -> None:
    assert overshoot(dark_disc()) == pytest.approx(0, abs=0.5)


def test_a_rim_is_measured_in_percent_of_the_step() -> None:
    """Of three scales, about two see a rim of this width, so that a third is missing."""
    found = overshoot(dark_disc(rim=0.2))
    assert 8 < found < 20


@pytest.mark.parametrize("width", [2.0, 4.0, 8.0])
def test_rims_rise_with_their_height(width: float) -> None:
    found = [light_rims(dark_disc(rim=rim, width=width), dark_disc()) for rim in (0.0, 0.05, 0.1, 0.2)]
    assert found == sorted(found)
    assert found[-1] > 4


def test_sharpening_leaves_rims() -> None:
    soft = gaussian_blur2d(dark_disc()[None], (31, 31), (4.0, 4.0))[0]
    found = [
        light_rims(dark_disc() + amount * (dark_disc() - soft), dark_disc()) for amount in (0.0, 0.3, 0.6)
    ]
    assert found[0] < 0.5 < 2 < found[1] < found[2]


def test_rims_depend_little_on_contrast() -> None:
    whole, half = (overshoot(dark_disc(rim=0.2, contrast=contrast)) for contrast in (1.0, 0.5))
    assert half == pytest.approx(whole, rel=0.2)


def test_dark_rims_are_not_seen() -> None:
    assert overshoot(-dark_disc(rim=0.2)) < 0.5


def test_rims_on_restless_ground_are_not_seen() -> None:
    leaves = gaussian_blur2d(noise(1, 1, SIZE, SIZE), (13, 13), (2.0, 2.0))[0]
    assert overshoot(0.5 * dark_disc(rim=0.2)) > 5
    assert overshoot(0.5 * dark_disc(rim=0.2) + 2 * leaves) == 0


def test_rims_of_the_photo_do_not_count() -> None:
    assert light_rims(dark_disc(rim=0.2), dark_disc(rim=0.2)) == 0


def test_rims_are_the_same_mirrored_and_turned() -> None:
    scene = dark_disc(rim=0.2) + 0.05 * grey((distance(40, 90) < 30).float())
    found = [overshoot(x) for x in (scene.flip(1), scene.flip(2), scene.mT)]
    assert found == pytest.approx([overshoot(scene)] * 3, rel=0.02)


# Both


@pytest.mark.parametrize("measure", [dark_lines, overshoot])
@pytest.mark.parametrize(("height", "width"), [(3, 3), (5, 90), (64, 64)])
def test_flat_pictures_of_any_size_have_neither(measure, height: int, width: int) -> None:
    assert measure(torch.full((3, height, width), 0.2)) == 0


@pytest.mark.parametrize("measure", [dark_lines, overshoot])
def test_pictures_below_three_pixels_are_refused(measure) -> None:
    with pytest.raises(
        ConfigError, match="picture of 9x2 px is too small to look for lines; give one of at least 3"
    ):
        measure(torch.zeros(3, 2, 9))
