"""Colours that are hidden under alpha take no part, wherever a picture is used."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import sinct
from sinct.pictures.glance import read_small
from sinct.pictures.picture import read_picture, read_visible
from sinct.pictures.rows import open_source, read_shrunk, visible_bands
from sinct.pictures.transparency import REACH, ROWS, bounds, continued, shows
from tests.support.streaming import make_model, run_stream, samples

MAGENTA, GREEN = (255, 0, 255), (0, 255, 0)


@pytest.fixture
def cut_out(tmp_path):
    """Write a picture of blobs of which an ellipse shows, over a ground of some colour."""

    def make(name, ground, width=60, height=45, seed=0):
        random = np.random.default_rng(seed)
        coarse = Image.fromarray(random.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        colours = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).copy()
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        alpha = np.where(x**2 + y**2 < 0.6, 255, 0).astype(np.uint8)
        colours[alpha == 0] = ground
        path = tmp_path / name
        Image.fromarray(np.dstack([colours, alpha])).save(path)
        return path

    return make


# What stands for hidden pixels


def test_hidden_pixels_mirror_what_shows_in_their_row():
    row = np.arange(10)[None, :, None]
    shown = np.array([[0, 0, 1, 1, 1, 0, 0, 0, 0, 0]], bool)
    assert continued(row, shown, -1)[0, :, 0].tolist() == [3, 2, 2, 3, 4, 4, 3, 2, 2, 3]


def test_the_nearer_of_two_sides_is_mirrored():
    row, shown = np.arange(10)[None, :, None], np.array([[1, 1, 0, 0, 0, 0, 0, 0, 1, 1]], bool)
    assert continued(row, shown, -1)[0, :, 0].tolist() == [0, 1, 1, 0, 0, 9, 9, 8, 8, 9]


def test_rows_that_show_nothing_mirror_the_nearest_that_do_and_are_blank_far_away():
    column = np.arange(10, 10 + 3 * ROWS)[:, None, None]
    shown = np.zeros((3 * ROWS, 1), bool)
    shown[:2] = True
    found = continued(column, shown, -1)[:, 0, 0]
    assert found[:7].tolist() == [10, 11, 11, 10, 10, 11, 11]
    assert found[1 + ROWS] in (10, 11)
    assert (found[2 + ROWS :] == -1).all()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 2**31))
def test_rows_depend_on_no_more_than_the_reach(seed):
    random = np.random.default_rng(seed)
    height = 5 * REACH
    shown = random.random((height, 4)) < 0.3
    for start in random.integers(0, height, 4):  # gaps of all lengths
        shown[start : start + random.integers(1, 2 * REACH)] = False
    picture = random.integers(0, 1000, (height, 4, 1))
    whole = continued(picture, shown, -1)
    top, bottom = 2 * REACH, 3 * REACH
    part = slice(top - REACH, bottom + REACH)
    assert np.array_equal(continued(picture[part], shown[part], -1)[REACH:-REACH], whole[top:bottom])


def test_pixels_that_show_stay_as_they_are():
    random = np.random.default_rng(0)
    picture, shown = random.integers(0, 99, (70, 50, 3)), random.random((70, 50)) < 0.4
    assert np.array_equal(continued(picture, shown, 0)[shown], picture[shown])


def test_a_picture_that_shows_everywhere_is_itself():
    picture = np.zeros((2, 3, 1))
    assert continued(picture, np.ones((2, 3), bool), 0) is picture


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [
        (np.uint8([25, 26]), [False, True]),
        (np.uint16([6553, 6554]), [False, True]),
        (np.float32([0.09, 0.11]), [False, True]),
    ],
)
def test_faint_pixels_do_not_show(alpha, expected):
    assert shows(alpha).tolist() == expected


def test_bounds_hold_everything_that_shows():
    shown = np.zeros((9, 8), bool)
    shown[2, 3] = shown[5, 1] = True
    assert bounds(shown) == (slice(2, 6), slice(1, 4))


# Every way to use a picture gives the same, whatever is hidden


def test_whole_pictures(cut_out):
    pictures = [read_visible(cut_out(f"{n}.png", ground)) for n, ground in enumerate((MAGENTA, GREEN))]
    assert torch.equal(pictures[0].pixels, pictures[1].pixels)
    assert torch.equal(pictures[0].alpha, pictures[1].alpha)


def test_margins_of_a_photo_are_left_out(cut_out):
    path = cut_out("photo.png", MAGENTA)
    whole, part = read_picture(path), read_visible(path, cut_out=True)
    rows, columns = bounds(whole.shown.numpy())
    assert part.pixels.shape[1:] == (rows.stop - rows.start, columns.stop - columns.start)
    assert part.pixels.shape[1] < whole.height


def test_rows_are_as_whole_pictures(cut_out):
    pytest.importorskip("pyvips")
    path = cut_out("in.png", MAGENTA, 300, 700)
    source = open_source(path)
    whole = read_visible(path).pixels
    bands = [(0, 40), (30, 200), (200, 700)]
    for (start, stop), band in zip(bands, visible_bands(source, bands), strict=True):
        assert torch.allclose(source.pixels(band.rows(start, stop)), whole[:, start:stop], atol=0.005)


def test_shrunken_pictures(cut_out):
    pytest.importorskip("pyvips")
    paths = [cut_out(f"{n}.png", ground, 300, 300) for n, ground in enumerate((MAGENTA, GREEN))]
    shrunk = [read_shrunk(open_source(path), 5000) for path in paths]
    assert torch.equal(*shrunk)
    assert torch.equal(*(read_small(path, 32) for path in paths))


def test_trainings(cut_out, tiny, tmp_path):
    logs = []
    for n, ground in enumerate((MAGENTA, GREEN)):
        painting = cut_out(f"painting-{n}.png", ground)
        photo = cut_out(f"photo-{n}.png", ground, 64, 50, seed=1)
        run = tmp_path / f"run-{n}"
        done = sinct.train(
            painting, photo, run, config=tiny.replace(recolour=True, repaint=True, patience=1.0)
        )
        logs.append((done.model.content, (run / "preview.png").read_bytes()))
    assert logs[0] == logs[1]


def test_a_trainings_preview_shows_white_where_nothing_is(cut_out, tiny, tmp_path):
    sinct.train(cut_out("a.png", MAGENTA), cut_out("b.png", MAGENTA), tmp_path / "run", config=tiny)
    preview = samples(tmp_path / "run" / "preview.png")
    label = len(preview) - 45
    assert (preview[label, 0] == 255).all()


def test_translations(cut_out, tiny, tmp_path):
    model = make_model(tiny)
    for n, ground in enumerate((MAGENTA, GREEN)):
        sinct.apply(model, cut_out(f"in-{n}.png", ground), tmp_path / f"out-{n}.png")
    first, second = (samples(tmp_path / f"out-{n}.png") for n in range(2))
    assert np.array_equal(first, second)


def test_measures(cut_out, make_picture, tmp_path):
    rows = []
    for n, ground in enumerate((MAGENTA, GREEN)):
        painting = cut_out(f"painting-{n}.png", ground, 90, 80)
        photo, output = (
            cut_out(f"photo-{n}.png", ground, 100, 90, 1),
            cut_out(f"o-{n}.png", ground, 90, 80, 2),
        )
        rows.append(list(sinct.evaluate(painting, photo, [output]).rows.values()))
    assert rows[0] == rows[1]


def test_a_photo_of_which_nothing_shows_is_refused_by_name(make_picture, tiny, tmp_path):
    empty = tmp_path / "empty.png"
    Image.new("RGBA", (60, 50), (9, 9, 9, 0)).save(empty)
    with pytest.raises(sinct.InputError, match=r"empty\.png is transparent everywhere.*save it without"):
        sinct.train(make_picture(), empty, tmp_path / "run", config=tiny)


def test_a_photo_of_which_too_little_shows_is_refused_with_both_sizes(make_picture, tiny, tmp_path):
    photo = Image.new("RGBA", (60, 50), (9, 9, 9, 0))
    photo.paste((200, 100, 50, 255), (0, 20, 60, 22))
    photo.save(tmp_path / "photo.png")
    with pytest.raises(sinct.ConfigError, match="of the photo's 60x50 px, only 60x2 px show"):
        sinct.train(make_picture(), tmp_path / "photo.png", tmp_path / "run", config=tiny)


def test_a_picture_of_which_nothing_shows_is_translated_as_any_other(tiny, tmp_path):
    empty = tmp_path / "empty.png"
    Image.new("RGBA", (60, 50), (9, 9, 9, 0)).save(empty)
    sinct.apply(make_model(tiny), empty, tmp_path / "out.png")
    assert (samples(tmp_path / "out.png")[..., 3] == 0).all()


def test_translations_in_rows(cut_out, tiny, tmp_path):
    pytest.importorskip("pyvips")
    model = make_model(tiny)
    for n, ground in enumerate((MAGENTA, GREEN)):
        source = cut_out(f"in-{n}.png", ground, 210, 330)
        run_stream(model, source, tmp_path / f"out-{n}.png")
    sinct.apply(model, source, tmp_path / "whole.png")
    first, second, whole = (samples(tmp_path / f"{name}.png") for name in ("out-0", "out-1", "whole"))
    assert np.array_equal(first, second)
    shown = whole[..., 3] == 255
    assert np.abs(first - whole)[shown].max() <= 1
    assert np.array_equal(first[..., 3], whole[..., 3])
