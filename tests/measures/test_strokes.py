"""Strokes that a renderer laid over a scene with a calm sky, and their removal."""

from pathlib import Path

import pytest
import torch

from assets.dabs import Manner, paint_dabs
from sinct.errors import ConfigError
from sinct.measures.strokes import broken_colour, coherence, colour_contrast, directed, restless
from sinct.pictures.picture import read_picture

ASSETS = Path(__file__).parents[2] / "assets"


def photo():
    """A sky without detail above ground with plenty of it."""
    picture = torch.linspace(0.2, 0.6, 256)[None, :, None].expand(3, 256, 320).clone()
    picture[:, 128:] = -0.3 + 0.25 * torch.randn(3, 128, 320, generator=torch.Generator().manual_seed(0))
    return picture.clamp(-1, 1)


def painted(value):
    """The same in strokes of 8 px whose brightness varies."""
    manner = Manner(brushes=(8.0,), value=value, canvas_grain=0.0)
    pixels = paint_dabs(((photo() + 1) / 2).permute(1, 2, 0).numpy(), manner, seed=1)
    return torch.from_numpy(pixels).permute(2, 0, 1).float() * 2 - 1


def test_a_photo_is_as_calm_as_itself_and_a_flat_picture_is_calmer():
    assert restless(photo(), photo()) == 0
    assert restless(torch.zeros(3, 256, 320), photo()) == 0


def test_the_stronger_the_strokes_the_more_restless():
    weak, strong = (restless(painted(value), photo()) for value in (0.02, 0.2))
    assert 3 < weak < strong


def test_noise_of_a_known_contrast():
    """Where a photo is flat, twice the contrast is 6 dB more, less what half a grey level adds."""
    noise = torch.randn(1, 256, 256, generator=torch.Generator().manual_seed(2)).expand(3, -1, -1)
    once, twice = (restless(factor * noise, torch.zeros(3, 64, 64)) for factor in (1, 2))
    assert twice - once == pytest.approx(6.02, abs=0.25)


def test_more_detail_where_there_was_some_does_not_count():
    changed = photo()
    changed[:, 200:] *= 2
    assert restless(changed, photo()) == pytest.approx(0, abs=1e-3)


# Direction


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def sky_and_ground_in_dabs(width, elongation):
    """Even dabs whose brightness varies; the finest layer alone, so that their width is known."""
    manner = Manner(brushes=(width,), elongation=elongation, value=0.1, canvas_grain=0.0)
    pixels = paint_dabs(((photo() + 1) / 2).permute(1, 2, 0).numpy(), manner, seed=1)
    return torch.from_numpy(pixels).permute(2, 0, 1).float() * 2 - 1


def test_parallel_stripes_run_in_one_direction():
    across = torch.arange(200.0)[:, None] * 0.6 + torch.arange(240.0) * 0.4
    assert coherence((0.3 * across.sin()).expand(3, -1, -1)) > 95


def test_noise_runs_in_no_direction():
    assert coherence(0.2 * noise(3, 300, 300)) < 10


def test_a_flat_picture_has_neither_direction_nor_colour():
    assert coherence(torch.zeros(3, 64, 70)) == 0
    assert colour_contrast(torch.full((3, 64, 70), 0.3)) == pytest.approx(0, abs=1e-4)  # float32 in CIELAB


def test_detail_is_directed_where_strokes_are_long():
    """Blind to dabs as broad as they are long, which have hardly more direction than noise."""
    found = [directed(sky_and_ground_in_dabs(6.0, elongation), noise(3, 256, 256)) for elongation in (1, 4)]
    assert found[0] < 0.7 * found[1]


def test_broader_strokes_have_more_direction():
    found = [coherence(sky_and_ground_in_dabs(width, 2.5)) for width in (3.0, 6.0, 12.0)]
    assert found == sorted(found)


def test_direction_depends_little_on_contrast_and_brightness():
    strokes = sky_and_ground_in_dabs(8.0, 3.0)
    changed = [0.7 * strokes, strokes - 0.2]
    assert [coherence(x) for x in changed] == pytest.approx([coherence(strokes)] * 2, rel=0.1)


@pytest.mark.parametrize("measure", [coherence, colour_contrast])
def test_mirrored_and_turned_strokes_are_as_many(measure):
    strokes = sky_and_ground_in_dabs(4.0, 3.0)
    turned = [measure(x) for x in (strokes.flip(1), strokes.flip(2), strokes.mT)]
    assert turned == pytest.approx([measure(strokes)] * 3, rel=1e-3)


def test_direction_needs_three_pixels():
    with pytest.raises(
        ConfigError, match="picture of 9x2 px is too small to have strokes; give one of at least 3"
    ):
        coherence(torch.zeros(3, 2, 9))
    assert coherence(torch.zeros(3, 3, 3)) == 0


# Broken colour


def in_hues(hue, value=0.0):
    manner = Manner(brushes=(8.0,), hue=hue, saturation=0.0, value=value, canvas_grain=0.0, impasto=0.0)
    pixels = paint_dabs(torch.tensor([0.3, 0.5, 0.7]).expand(200, 240, 3).numpy(), manner, seed=1)
    return torch.from_numpy(pixels).permute(2, 0, 1).float() * 2 - 1


def test_a_photo_has_no_broken_colour_beyond_its_own():
    assert broken_colour(in_hues(0.2), in_hues(0.2)) == 0
    assert broken_colour(photo(), in_hues(0.2)) == 0


def test_broken_colour_rises_with_the_spread_of_hues():
    found = [broken_colour(in_hues(hue), in_hues(0.0)) for hue in (0.0, 0.1, 0.2, 0.4)]
    assert found == sorted(set(found))
    assert found[1] > 3  # dB


def test_strokes_of_grey_have_no_broken_colour():
    grey = 0.2 * noise(1, 200, 200).expand(3, -1, -1)
    assert colour_contrast(grey) == pytest.approx(0, abs=1e-3)  # the white point is not quite (1, 1, 1)


def test_a_painting_is_more_directed_and_more_broken_in_colour_than_its_photo():
    painting, own = (read_picture(ASSETS / f"demo-{name}.jpg").pixels for name in ("painting", "photo"))
    assert directed(painting, own) > 10
    assert broken_colour(painting, own) > 2
