"""Strokes taken out of paintings by the network that comes with sinct."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

import assets
from assets.dabs import Manner, paint_dabs
from sinct.data import strokes
from sinct.data.strokes import (
    BROAD,
    CELL,
    CERTAIN,
    COARSEST,
    FINE,
    SIGHT,
    always,
    find_strokes,
    halvings_for,
    remove_strokes,
    stroke_change,
    strokes_to_remove,
)
from sinct.pictures.cuts import cut_of
from sinct.pictures.picture import read_picture


def scene(side: int = 256) -> Tensor:
    """A picture of large soft forms, (3, H, W) in [-1, 1]."""
    coarse = torch.rand(1, 3, 5, 5, generator=torch.Generator().manual_seed(0)) * 1.6 - 0.8
    return F.interpolate(coarse, (side, side), mode="bicubic", align_corners=True)[0].clamp(-1, 1)


def painted(picture: Tensor, *brushes: float) -> Tensor:
    """The same picture in dabs of these widths in pixels."""
    dabs = paint_dabs(((picture + 1) / 2).permute(1, 2, 0).numpy(), Manner(brushes=brushes), seed=1)
    return torch.from_numpy(np.asarray(dabs)).permute(2, 0, 1).float() * 2 - 1


def noise(height: int, width: int) -> Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1


def apart(one: Tensor, other: Tensor) -> float:
    """Mean absolute difference."""
    return float((one - other).abs().mean())


def steps(picture: Tensor) -> float:
    """Mean absolute difference of neighbouring pixels."""
    return float(picture.diff(dim=1).abs().mean() + picture.diff(dim=2).abs().mean())


@pytest.mark.parametrize("brushes", [(3.0, 1.5), (6.0, 3.0), (12.0, 6.0)])
def test_without_strokes_a_painting_is_nearer_to_the_picture_that_was_painted(brushes):
    truth = scene()
    painting = painted(truth, *brushes)
    stroke, halvings = strokes_to_remove([painting], 0.0, 0.5)
    clean = remove_strokes(painting, stroke, halvings)
    assert apart(clean, truth) < 0.75 * apart(painting, truth)  # the rest is mostly the dabs' own colours
    assert steps(clean - truth) < 0.3 * steps(painting - truth)


def test_a_picture_without_strokes_is_hardly_changed():
    truth = scene()
    changed = apart(remove_strokes(truth), truth)
    assert changed < 0.04  # 2 % of the range
    assert changed < 0.5 * apart(painted(truth, 6.0, 3.0), truth)


@pytest.mark.parametrize("halvings", [0, 1, 3])
@pytest.mark.parametrize("upright", [False, True])
def test_what_is_changed_does_not_depend_on_how_the_picture_is_divided(halvings, upright):
    """Borders and sizes need not be multiples of any stride."""
    picture = noise(67, 801)
    picture = picture.transpose(1, 2).contiguous() if upright else picture
    height, width = picture.shape[1:]
    whole = stroke_change(always(cut_of(picture)), height, width, 3.0, halvings)
    divided = stroke_change(always(cut_of(picture)), height, width, 3.0, halvings, side=184)
    everything = slice(0, height), slice(0, width)
    torch.testing.assert_close(divided(*everything), whole(*everything), rtol=0, atol=2e-3)
    for start, stop in ((0, 30), (333, 334), (390, 471), (777, 801)):
        window = (slice(start, stop), slice(3, 40)) if upright else (slice(3, 40), slice(start, stop))
        torch.testing.assert_close(divided(*window), divided(*everything)[:, *window], rtol=0, atol=1e-5)


def test_the_picture_is_read_in_bands_from_top_to_bottom():
    """Once to halve it, and once with what the network sees around each band."""
    picture, asked = noise(900, 20), []

    def bands(wanted):
        asked.append(list(wanted))
        for top, stop in wanted:
            band = picture[:, top:stop]

            def cut(rows, columns, top=top, stop=stop, band=band):
                assert top <= rows.start < rows.stop <= stop
                return band[:, rows.start - top : rows.stop - top, columns]

            yield cut

    change = stroke_change(bands, 900, 20, 0.0, 1, side=304)
    assert asked == [
        [(0, 304), (304, 608), (608, 900)],
        [(0, 304 + SIGHT), (304 - SIGHT, 608 + SIGHT), (608 - SIGHT, 900)],
    ]
    whole = (picture + change(slice(0, 900), slice(0, 20))).clamp(-1, 1)
    torch.testing.assert_close(whole, remove_strokes(picture, 0.0, 1), rtol=0, atol=2e-3)


def test_tiles_do_not_show(monkeypatch):
    picture = noise(30, 700)
    whole = remove_strokes(picture, 0.0, 1), find_strokes(picture).widths
    monkeypatch.setattr(strokes, "TILE", 400)
    tiled = remove_strokes(picture, 0.0, 1), find_strokes(picture).widths
    for one, other in zip(tiled, whole, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("halvings", [0, 1, COARSEST])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (7, 300), (130, 67)])
def test_any_size_gives_a_picture_of_that_size_and_range(size, halvings):
    clean = remove_strokes(3 * noise(*size).clamp(-1 / 3, 1 / 3), 0.0, halvings)
    assert clean.shape == (3, *size)
    assert clean.dtype == torch.float32
    assert clean.isfinite().all()
    assert clean.abs().max() <= 1


def test_other_precision_gives_float32():
    picture = noise(20, 30)
    assert remove_strokes(picture.double()).equal(remove_strokes(picture))


def test_the_same_painting_gives_the_same_bits_and_stays_as_it_was():
    picture = noise(60, 70)
    kept = picture.clone()
    assert remove_strokes(picture, 2.0, 1).equal(remove_strokes(picture, 2.0, 1))
    assert picture.equal(kept)


def test_broader_strokes_are_taken_out_where_they_are_said_to_be_broader():
    painting = painted(scene(), 12.0, 6.0)
    left = [steps(remove_strokes(painting, stroke, halvings_for(stroke))) for stroke in (1.0, 4.0, 16.0)]
    assert left == sorted(left, reverse=True)


@pytest.mark.parametrize(("size", "blocks"), [((1, 1), (1, 1)), ((8, 17), (1, 3)), ((65, 64), (9, 8))])
def test_widths_are_told_for_every_block_of_8_pixels(size, blocks):
    widths, halvings = find_strokes(noise(*size))
    assert halvings == 0  # it is too small to be halved
    assert widths.shape == blocks
    assert ((widths >= 1) & (widths <= 64.01)).all()


def test_broader_brushes_are_told_as_broader():
    """On a photograph. On a picture as plain as `scene`, the network takes any brush for one of about 12 px."""
    with Image.open(Path(next(iter(assets.__path__))) / "demo-photo.jpg") as picture:
        pixels = np.asarray(picture.crop((200, 100, 584, 484)), np.float32) / 127.5 - 1
    photo = torch.from_numpy(pixels).permute(2, 0, 1)
    found = [find_strokes(painted(photo, *brushes)) for brushes in [(1.5,), (4.0,), (8.0,)]]
    told = [float(each.widths.median()) for each in found]
    assert told == sorted(told)
    assert told[2] > 1.5 * told[0]


def test_broad_strokes_are_told_on_a_halved_picture():
    widths, halvings = find_strokes(painted(scene(), 16.0, 12.0))
    assert halvings == 1  # a half of it would be too small
    assert widths.shape == (16, 16)
    assert float(widths.median()) >= 2 * FINE - 1.0


def test_by_default_the_network_tells_the_width_and_how_often_to_halve():
    paintings = [scene(), painted(scene(), 16.0, 12.0)]
    found = [find_strokes(painting) for painting in paintings]
    width = CERTAIN * sum(float(each.widths.median()) for each in found) / 2
    most = max(each.halvings for each in found)
    assert strokes_to_remove(paintings, 0.0, 0.5) == (pytest.approx(width), min(most, halvings_for(width)))
    assert strokes_to_remove(paintings, 0.0, 0.0) == (pytest.approx(4 * width), halvings_for(4 * width))


def test_mean_colours_stay_the_paintings():
    """Over cells as wide as some strokes, away from where colours change within a cell's neighbours."""
    painting = painted(scene(), 6.0, 3.0)
    for halvings in (0, 1):
        off = remove_strokes(painting, 0.0, halvings) - painting
        assert float(F.avg_pool2d(off[None], 2 * CELL << halvings).abs().mean()) < 0.02


def test_a_given_width_is_kept_and_decides_on_halvings():
    assert strokes_to_remove([noise(9, 9)], 10.0, 0.5) == (10.0, 2)


@pytest.mark.parametrize(("faithful", "width"), [(0.0, 24.0), (0.25, 12.0), (0.5, 6.0), (1.0, 1.5)])
def test_faithful_changes_the_width_by_up_to_four_times(faithful, width):
    stroke, halvings = strokes_to_remove([noise(9, 9)], 6.0, faithful)
    assert stroke == pytest.approx(width)
    assert halvings == halvings_for(width)


def test_faithful_changes_what_is_told_as_well():
    painting = painted(scene(), 6.0, 3.0)
    told = CERTAIN * float(find_strokes(painting).widths.median())
    assert strokes_to_remove([painting], 0.0, 0.0)[0] == pytest.approx(4 * told)
    assert strokes_to_remove([painting], 0.0, 1.0)[0] == pytest.approx(max(1.0, told / 4))


def test_strokes_are_never_narrower_than_a_pixel():
    assert strokes_to_remove([noise(9, 9)], 1.5, 1.0) == (1.0, 0)


def test_a_series_has_the_mean_of_its_widths():
    paintings = [painted(scene(), 12.0, 6.0), scene()]
    told = [float(find_strokes(each).widths.median()) for each in paintings]
    assert strokes_to_remove(paintings, 0.0, 0.0)[0] == pytest.approx(2 * CERTAIN * sum(told))


def test_the_less_faithful_the_less_is_left():
    painting = read_picture(Path(assets.__file__).with_name("demo-painting.jpg")).pixels[:, 200:584, 200:584]
    left = [
        steps(remove_strokes(painting, *strokes_to_remove([painting], 0.0, faithful))) for faithful in (1, 0)
    ]
    assert left[0] > 1.2 * left[1]


@pytest.mark.parametrize(
    ("width", "halvings"),
    [
        (0.1, 0),
        (FINE - 0.01, 0),
        (FINE, 1),
        (2 * BROAD - 0.01, 1),
        (2 * BROAD, 2),
        (4 * BROAD, 3),
        (8 * BROAD, COARSEST),
        (1e6, COARSEST),
    ],
)
def test_halvings_grow_with_the_width(width, halvings):
    assert halvings_for(width) == halvings


def test_a_smooth_sky_has_no_steps():
    """Computed in bfloat16 in the end, it would have 100 values."""
    sky = torch.linspace(-0.2, 0.9, 400)[:, None].expand(3, 400, 64).contiguous()
    clean = remove_strokes(sky)
    assert len(clean.unique()) > 0.5 * clean[0].numel()
