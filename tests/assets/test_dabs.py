"""The painter of dabs, and the manners and palettes that it is given."""

from dataclasses import replace

import numpy as np
import pytest

from assets.dabs import Manner, paint_dabs, paint_with_scale
from assets.manners import random_manner, random_palette


def photograph(height=300, width=340):
    y, x = np.mgrid[:height, :width] / 60.0
    return np.stack([0.5 + 0.4 * np.sin(x), 0.5 + 0.4 * np.cos(y), 0.5 + 0.3 * np.sin(x + y)], -1).astype(
        np.float32
    )


def test_dabs_change_texture_but_not_the_scene():
    photo = photograph()
    painted = paint_dabs(photo, Manner(), seed=3)
    assert painted.shape == photo.shape
    assert painted.min() >= 0
    assert painted.max() <= 1
    assert np.abs(painted - photo).mean() < 0.15
    fine = np.abs(np.diff(painted, axis=0)).mean(), np.abs(np.diff(photo, axis=0)).mean()
    assert fine[0] > 1.5 * fine[1]


def test_dabs_repeat_for_the_same_seed():
    photo = photograph(40, 50)
    first, again, other = (paint_dabs(photo, Manner(), seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_broader_brushes_leave_less_of_the_photograph():
    photo = photograph()
    fine, broad = (
        np.abs(
            paint_dabs(photo, Manner(brushes=brushes, hue=0, saturation=0, value=0), seed=1) - photo
        ).mean()
        for brushes in ((6.0, 2.0), (30.0, 20.0))
    )
    assert broad > 1.5 * fine


def test_the_width_of_a_single_brush_is_told_exactly():
    painted = paint_with_scale(photograph(60, 70), Manner(brushes=(9.0,)), seed=1)
    assert painted.stroke.shape == (60, 70)
    np.testing.assert_allclose(painted.stroke, 9.0, rtol=1e-6)  # a mean of nines, rounded in float32


def test_told_widths_lie_between_the_brushes_and_grow_with_them():
    fine, broad = (
        paint_with_scale(photograph(), Manner(brushes=brushes, detail=0.02), seed=1).stroke
        for brushes in ((8.0, 2.0), (32.0, 8.0))
    )
    assert fine.min() >= 2
    assert fine.max() <= 8
    assert broad.min() >= 8
    assert broad.mean() > 2 * fine.mean()


@pytest.mark.parametrize(
    "change",
    [{"touches": 1.5}, {"bend": 0.4}, {"rim": 0.2}, {"opacity": 0.5}],
    ids=lambda change: next(iter(change)),
)
def test_a_manner_shows_in_the_picture(change):
    """All dabs that both have lie at the same places, so that what differs is the manner's own."""
    plain = Manner(brushes=(8.0, 4.0), impasto=0.0, canvas_grain=0.0)
    ours, other = (paint_dabs(photograph(80, 90), each, seed=4) for each in (plain, replace(plain, **change)))
    assert np.abs(ours - other).mean() > 0.001


def outlined(*, first):
    """A step at column 60 in broad dabs, (80, 120): without outlines, and with them."""
    step = np.full((80, 120, 3), 0.85, np.float32)
    step[:, 60:] = 0.45
    plain = Manner(brushes=(6.0,), hue=0, saturation=0, value=0, impasto=0, canvas_grain=0)
    drawn = replace(plain, outlines=4.0, ink=(0.05, 0.05, 0.05), firmness=1.0, outlines_first=first)
    return [paint_dabs(step, manner, seed=2).mean(-1) for manner in (plain, drawn)]


def test_outlines_are_dark_lines_at_contours_and_nowhere_else():
    without, lines = outlined(first=False)
    assert lines[:, 58:62].mean() < 0.5 * without[:, 58:62].mean()
    away = np.r_[0:40, 80:120]
    np.testing.assert_array_equal(lines[:, away], without[:, away])


def test_outlines_that_come_first_are_painted_over():
    without, lines = outlined(first=True)
    assert lines[:, 58:62].mean() > 0.8 * without[:, 58:62].mean()


def test_a_flat_picture_has_no_outlines():
    flat = np.full((40, 50, 3), 0.5, np.float32)
    manner = Manner(brushes=(6.0,), impasto=0, canvas_grain=0)
    without, lines = (paint_dabs(flat, each, seed=2) for each in (manner, replace(manner, outlines=4.0)))
    np.testing.assert_array_equal(lines, without)


# Manners and palettes


def test_random_manners_repeat_for_the_same_seed_and_go_from_coarse_to_fine():
    manners, again = ([random_manner(np.random.default_rng(seed)) for seed in range(200)] for _ in range(2))
    assert manners == again
    assert all(list(each.brushes) == sorted(each.brushes, reverse=True) for each in manners)
    assert all(1.3 <= each.brushes[-1] <= 10 and each.brushes[0] <= 40 for each in manners)
    assert {bool(each.outlines) for each in manners} == {bool(each.rim) for each in manners} == {True, False}


def test_a_random_palette_keeps_grey_free_of_colour_up_to_a_tint():
    grey = np.linspace(0.4, 0.6, 64, dtype=np.float32).reshape(8, 8, 1).repeat(3, -1)
    changed = random_palette(grey, np.random.default_rng(0))
    inside = ((changed > 0) & (changed < 1)).all(-1)
    assert inside.all()
    tint = changed - changed.mean(-1, keepdims=True)
    np.testing.assert_allclose(tint, np.broadcast_to(tint[0, 0], tint.shape), atol=1e-6)  # float32
