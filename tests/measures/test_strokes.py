"""Strokes that a renderer laid over a scene with a calm sky, and their removal."""

import pytest
import torch

from assets.dabs import Manner, paint_dabs
from sinct.measures.strokes import restless


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
