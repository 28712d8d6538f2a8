"""Odd files have the right pixels, or one clear refusal, whichever path reads them."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from sinct.errors import SinctError
from sinct.measures.evaluate import read_visible as read_for_evaluate
from sinct.pictures.decoding import read_header
from sinct.pictures.glance import read_small
from sinct.pictures.output_profile import kept_profile
from sinct.pictures.picture import read_picture, write_picture
from sinct.pictures.rows import open_source
from sinct.pictures.transparency import shows
from tests.support.odd_pictures import CASES
from tests.support.odd_pictures.case import Array, Case

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def whole(path: Path) -> tuple[Array, Array | None]:
    picture = read_picture(path)
    return unit(picture.pixels), None if picture.alpha is None else picture.alpha[0].numpy()


def in_rows(path: Path) -> tuple[Array, Array | None]:
    source = open_source(path)
    rows, middle = source.rows(), source.height // 2
    samples = np.concatenate([rows(0, middle), rows(middle, source.height)])
    alpha = samples[..., -1] / np.iinfo(samples.dtype).max if source.alpha else None
    return unit(source.pixels(samples)), None if alpha is None or (alpha == 1).all() else alpha


def small(path: Path) -> tuple[Array, Array | None]:
    """As batch looks at the pictures of a collection."""
    return unit(read_small(path, 10_000)), None


def evaluated(path: Path) -> tuple[Array, Array | None]:
    return unit(read_for_evaluate(path).pixels), None


def unit(pixels) -> Array:
    """(3, H, W) in [-1, 1] -> (H, W, 3) in [0, 1]."""
    return pixels.add(1).div(2).permute(1, 2, 0).numpy()


def only_shown(pixels: Array, case: Case) -> Array:
    """Pixels as they should be where they are hidden: measures and previews see others there."""
    if case.alpha is None or case.pixels is None:
        return pixels
    return np.where(shows(case.alpha)[..., None], pixels, case.pixels)


PATHS = {"whole": whole, "rows": in_rows, "small": small, "evaluate": evaluated}


@pytest.fixture(params=CASES.values(), ids=lambda case: case.name)
def case(request) -> Case:
    return request.param


@pytest.mark.parametrize("way", PATHS)
def test_pixels_are_right_or_refused(case, way, tmp_path):
    if way == "rows":
        pytest.importorskip("pyvips")
    path = tmp_path / case.file
    path.write_bytes(case.data)
    if case.refused:
        with pytest.raises(SinctError) as caught:
            PATHS[way](path)
        message = str(caught.value)
        assert message.startswith(str(path))
        assert "\n" not in message
        return
    pixels, alpha = PATHS[way](path)
    whole_file = way in ("whole", "rows")
    assert case.near(pixels if whole_file else only_shown(pixels, case))
    if case.alpha is not None and whole_file:
        assert alpha is not None
        np.testing.assert_allclose(alpha, case.alpha, atol=0.003)


def test_kept_profile_is_the_same_by_both_readers_and_holds_the_picture(case, tmp_path):
    pytest.importorskip("pyvips")
    if case.refused:
        pytest.skip("refused by both")
    path = tmp_path / case.file
    path.write_bytes(case.data)
    picture, source = read_picture(path), open_source(path)
    kept = kept_profile(picture.space, picture.profile)
    assert kept == kept_profile(source.space, source.profile)
    write_picture(tmp_path / "kept.png", picture.pixels, bits=16, profile=kept.icc)
    again = read_picture(tmp_path / "kept.png")
    assert again.profile == kept.icc
    assert (again.pixels - picture.pixels).abs().max() < 0.004


def test_both_readers_agree(case, tmp_path):
    pytest.importorskip("pyvips")
    if case.refused:
        pytest.skip("refused by both")
    path = tmp_path / case.file
    path.write_bytes(case.data)
    (pixels, alpha), (row_pixels, row_alpha) = whole(path), in_rows(path)
    np.testing.assert_allclose(row_pixels, pixels, atol=0.6 / 255)
    assert (row_alpha is None) == (alpha is None)
    if alpha is not None:
        np.testing.assert_allclose(row_alpha, alpha, atol=1e-3)


def test_header_says_what_the_whole_picture_says(case, tmp_path):
    path = tmp_path / case.file
    path.write_bytes(case.data)
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            picture = read_picture(path)
    except SinctError:
        return
    header = read_header(path)
    assert header.size == (picture.width, picture.height)
    assert header.dpi == picture.dpi
    assert header.exif == picture.exif
    texts = [str(warning.message) for warning in told]
    for remark in header.remarks:
        assert f"{path}: {remark}" in texts
