import numpy as np
import pytest
from PIL import Image

from sinct.report.labelled_sheet import LOSSLESS_BYTES, Cell, columns_for, labelled_sheet, save_sheet

RED, BLUE = (200, 0, 0), (0, 0, 200)


def cell(colour=RED, size=(400, 300), lines=("1: seed 7",), **options) -> Cell:
    return Cell(Image.new("RGB", size, colour), lines, **options)


@pytest.mark.parametrize(
    ("count", "columns"), [(1, 1), (2, 2), (4, 4), (5, 3), (6, 3), (8, 4), (9, 3), (16, 4)]
)
def test_rows_are_as_full_as_they_can_be(count, columns):
    assert columns_for(count) == columns


def test_groups_begin_rows_of_their_own():
    sheet = labelled_sheet([[cell(), cell(BLUE)], [cell(BLUE), cell(RED), cell(RED)]], "")
    found = np.asarray(sheet)
    reds = [(found[row, column] == RED).all() for row, column in ((20, 20), (20, 440), (420, 20), (420, 440))]
    assert reds == [True, False, False, True]


@pytest.mark.parametrize("size", [(60, 45), (4000, 3000), (3000, 4000), (300, 4000)])
def test_pictures_of_any_size_leave_room_for_labels_and_stay_below_3000_px(size):
    sheet = labelled_sheet([[cell(size=size)], [cell(size=size)] * 4], "")
    assert 4 * 320 < sheet.width <= 2976
    assert (np.asarray(sheet) == RED).all(axis=2).mean() > 0.05


def test_pictures_of_another_shape_are_fitted_in():
    sheet = labelled_sheet([[cell(), cell(BLUE, size=(300, 900))]], "")
    blue = (np.asarray(sheet) == BLUE).all(axis=2)
    assert blue.any(axis=1).sum() == 300
    assert blue.any(axis=0).sum() == 100


def test_a_mark_frames_a_picture():
    plain, marked = (np.asarray(labelled_sheet([[cell(marked=marked)]], "")) for marked in (False, True))
    changed = (plain != marked).any(axis=2)
    assert changed[12].any()  # above the picture
    assert not changed[100, 100]


def test_long_labels_are_cut_and_long_notes_wrapped():
    width = labelled_sheet([[cell()]], "").width
    long = "a very long name of a photo " * 9
    sheet = labelled_sheet([[cell(lines=(long,))]], long)
    assert sheet.width == width
    assert sheet.height > labelled_sheet([[cell()]], "a").height
    assert (np.asarray(sheet)[:, -16:] == 255).all()


def test_a_small_sheet_is_png_and_a_large_one_jpeg(tmp_path):
    png, jpeg = tmp_path / "sheet.png", tmp_path / "sheet.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3), dtype=np.uint8)
    for picture, written, other in (
        (cell().picture, png, jpeg),
        (Image.fromarray(noise), jpeg, png),
        (cell().picture, png, jpeg),
    ):
        assert save_sheet(picture, png, jpeg) == written
        assert written.exists()
        assert not other.exists()
        with Image.open(written) as read:
            assert read.size == picture.size
    assert noise.nbytes > LOSSLESS_BYTES
