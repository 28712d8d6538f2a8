"""How far a painting must be smoothed: rendered strokes of known widths over a scene with a calm sky."""

import pytest
import torch

from assets.dabs import Manner, paint_dabs
from sinct.data.calm import MOST, calming, unrest
from sinct.data.content import Content
from sinct.data.pair_content import prepare_pair


def scene(seed=0, side=256):
    """A sky without detail above ground with plenty of it, (3, S, S) in [-1, 1]."""
    random = torch.Generator().manual_seed(seed)
    picture = torch.linspace(0.2, 0.6, side)[None, :, None].expand(3, side, side).clone()
    ground = torch.randn(3, side // 2, side, generator=random)
    picture[:, side // 2 :] = -0.3 + 0.25 * ground
    return picture.clamp(-1, 1)


def painted(picture, width):
    manner = Manner(brushes=(width,), canvas_grain=0.0, hue=0.3, saturation=0.4, value=0.1)
    pixels = paint_dabs(((picture + 1) / 2).permute(1, 2, 0).numpy(), manner, seed=1)
    return torch.from_numpy(pixels).permute(2, 0, 1).float() * 2 - 1


def test_a_photo_is_calm_enough():
    assert calming([scene(1)], [scene(2)], 0.4) == pytest.approx(0.4, rel=0.2)


def test_the_broader_the_strokes_the_more_is_left_over():
    found = [unrest([painted(scene(), width)], 0.3) for width in (3, 8, 20)]
    assert found == sorted(found)
    assert found[2] > 2 * found[0]


def test_strokes_are_smoothed_until_as_calm_as_the_photo_or_up_to_a_limit():
    restless, calm = painted(scene(2), 4), scene(2)
    found = calming([painted(scene(), 12)], [restless], 0.3)
    assert 0.3 < found < MOST
    assert unrest([painted(scene(), 12)], found) == pytest.approx(unrest([restless], 0.3), rel=0.25)
    assert found < calming([painted(scene(), 12)], [calm], 0.3) <= MOST


def test_smoothing_calms():
    picture = painted(scene(), 6)
    assert unrest([picture], 0.6) < 0.7 * unrest([picture], 0.2)


def test_without_smoothing_nothing_is_smoothed_further():
    assert calming([painted(scene(), 6)], [scene(2)], 0.0) == 0.0


def test_windows_of_a_large_picture_speak_for_it():
    tile = painted(scene(), 8)
    large = tile.repeat(1, 4, 4)
    assert unrest([tile], 0.4) > 0
    assert calming([large], [scene(2).repeat(1, 4, 4)], 0.4) == pytest.approx(
        calming([tile], [scene(2)], 0.4), rel=0.5
    )


def test_a_pair_is_prepared_with_what_calms_the_painting_and_the_photo_as_before():
    painting, photo = painted(scene(), 12), scene(2)
    plain, calm = (
        prepare_pair(
            [painting], [photo], Content(smoothing=0.3), in_photos_colours=False, repaint=True, calm=calm
        )
        for calm in (False, True)
    )
    assert calm.content.smoothing > plain.content.smoothing == 0.3
    assert calm.painted[0].equal(plain.painted[0])
