"""Translations keep their source's colour profile if asked to, in memory and in rows."""

import io

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image
from PIL.ExifTags import IFD, Base

import sinct
from sinct.pictures.colour import SRGB_PROFILE
from sinct.pictures.colour_tags import Cicp, adobe_rgb, profile_of_cicp
from sinct.pictures.decoding import decode, read_header
from sinct.pictures.limits import MAX_PIXELS
from sinct.pictures.opening import FIXED
from sinct.pictures.picture import read_picture, read_provenance
from tests.support.picture_files import chunk, png
from tests.support.picture_files import samples as noise
from tests.support.profiles import made, of_tables
from tests.support.streaming import make_model

IN_ROWS = FIXED + 1
"""A budget in bytes that no picture fits into."""


@pytest.fixture
def plain(tiny):
    return make_model(tiny)


def stored(path):
    return decode(path.read_bytes(), MAX_PIXELS).samples.astype(int)


def codes(result):
    return [remark.code for remark in result.warnings]


@pytest.mark.parametrize(
    ("suffix", "name"),
    [(".png", "Display P3"), (".png", "ProPhoto RGB"), (".tif", "Adobe RGB"), (".tif", "ProPhoto RGB")],
)
def test_rows_have_the_pixels_of_the_whole_picture(suffix, name, plain, noisy, tmp_path):
    pytest.importorskip("pyvips")
    source = noisy(width=90, height=80, channels=4, icc_profile=made(name))
    whole, rows, srgb = (tmp_path / f"{part}{suffix}" for part in ("whole", "rows", "srgb"))
    sinct.apply(plain, source, whole, profile="keep")
    sinct.apply(plain, source, rows, profile="keep", max_memory=IN_ROWS)
    sinct.apply(plain, source, srgb)
    assert read_header(whole).profile == read_header(rows).profile == made(name)
    difference = np.abs(stored(whole) - stored(rows))
    # A value on the edge between two levels may be rounded either way; a curve that is steep in the darks spreads 1e-5.
    assert difference.max() <= (1 if name != "ProPhoto RGB" else 12)
    assert np.abs(stored(whole) - stored(srgb).astype(int)).max() > 12
    assert (read_picture(rows).pixels - read_picture(srgb).pixels).abs().mean() < 1 / 127.5


@pytest.mark.parametrize("max_memory", [None, IN_ROWS])
def test_jpeg_keeps_it_too(max_memory, plain, noisy, tmp_path):
    if max_memory is not None:
        pytest.importorskip("pyvips")
    profile = of_tables("Display P3")  # so large that it takes several segments
    source = noisy(width=60, height=50, icc_profile=profile)
    sinct.apply(plain, source, tmp_path / "out.jpg", profile="keep", max_memory=max_memory)
    assert read_header(tmp_path / "out.jpg").profile == profile


@pytest.mark.parametrize(
    ("name", "suffix", "given", "bits"),
    [
        ("ProPhoto RGB", ".png", None, 16),
        ("ProPhoto RGB", ".tif", None, 16),
        ("ProPhoto RGB", ".png", 8, 8),
        ("ProPhoto RGB", ".webp", None, 8),
        ("Display P3", ".png", None, 8),
        ("Display P3", ".png", 16, 16),
    ],
)
def test_wide_profiles_get_16_bits_unless_others_are_asked_for(
    name, suffix, given, bits, plain, noisy, tmp_path
):
    output = tmp_path / f"out{suffix}"
    sinct.apply(plain, noisy(width=60, height=50, icc_profile=made(name)), output, profile="keep", bits=given)
    assert read_picture(output).bits == bits


def test_srgb_of_a_wide_painting_keeps_8_bits(plain, noisy, tmp_path):
    sinct.apply(plain, noisy(width=60, height=50, icc_profile=made("ProPhoto RGB")), tmp_path / "out.png")
    assert read_picture(tmp_path / "out.png").bits == 8
    assert read_header(tmp_path / "out.png").profile == SRGB_PROFILE


def test_format_of_8_bits_is_told_of(plain, noisy, tmp_path):
    source = noisy(width=60, height=50, icc_profile=made("ProPhoto RGB"))
    done = sinct.apply(plain, source, tmp_path / "out.jpg", profile="keep")
    assert codes(done) == ["profile"]
    assert "8 bits, all that a .jpg holds, are coarse" in done.warnings[0]
    assert not sinct.apply(plain, source, tmp_path / "asked.jpg", profile="keep", bits=8).warnings


def test_deep_zoom_stays_srgb_and_says_so(plain, noisy, tmp_path):
    pytest.importorskip("pyvips")
    source = noisy(width=60, height=50, icc_profile=made("ProPhoto RGB"))
    done = sinct.apply(plain, source, tmp_path / "out.dzi", profile="keep")
    assert codes(done) == ["profile"]
    assert "viewers of Deep Zoom expect sRGB" in done.warnings[0]
    sinct.apply(plain, source, tmp_path / "plain.dzi")
    tiles = sorted(
        path.relative_to(tmp_path / "out_files") for path in (tmp_path / "out_files").rglob("*.jp*g")
    )
    assert tiles
    for tile in tiles:
        assert np.array_equal(*(Image.open(tmp_path / name / tile) for name in ("out_files", "plain_files")))


def cmyk():
    random = np.random.default_rng(0)
    image = Image.fromarray(random.integers(0, 256, (40, 50, 4), dtype=np.uint8), "CMYK")
    file = io.BytesIO()
    image.save(file, "TIFF")
    return file.getvalue()


def grey():
    file = io.BytesIO()
    profile = imagecodecs.cms_profile("gray", whitepoint=(0.3127, 0.329, 1.0), gamma=2.2)
    tifffile.imwrite(
        file, np.zeros((40, 50), np.uint8), photometric="minisblack", iccprofile=profile, metadata=None
    )
    return file.getvalue()


@pytest.mark.parametrize("max_memory", [None, IN_ROWS])
@pytest.mark.parametrize("data", [cmyk, grey])
def test_what_cannot_be_kept_is_written_in_srgb_with_a_remark(data, max_memory, plain, tmp_path):
    if max_memory is not None:
        pytest.importorskip("pyvips")
    (tmp_path / "in.tif").write_bytes(data())
    sinct.apply(plain, tmp_path / "in.tif", tmp_path / "srgb.png", max_memory=max_memory)
    done = sinct.apply(
        plain, tmp_path / "in.tif", tmp_path / "kept.png", profile="keep", max_memory=max_memory
    )
    assert codes(done) == ["profile"]
    assert "written in sRGB, not in the picture's own colour profile: " in done.warnings[0]
    assert (tmp_path / "kept.png").read_bytes() == (tmp_path / "srgb.png").read_bytes()


def test_picture_without_a_profile_is_written_as_always(plain, noisy, tmp_path):
    source = noisy(width=60, height=50)
    sinct.apply(plain, source, tmp_path / "srgb.png")
    assert not sinct.apply(plain, source, tmp_path / "kept.png", profile="keep").warnings
    assert (tmp_path / "kept.png").read_bytes() == (tmp_path / "srgb.png").read_bytes()


def test_adobe_rgb_of_a_camera_becomes_a_profile(plain, noisy, tmp_path):
    exif = Image.Exif()
    exif[IFD.Exif] = {Base.ColorSpace: 0xFFFF, IFD.Interop: {1: "R03"}}
    source = noisy("in.jpg", width=60, height=50, exif=exif, quality=95)
    sinct.apply(plain, source, tmp_path / "kept.png", profile="keep")
    assert read_header(tmp_path / "kept.png").profile == adobe_rgb()


def test_code_points_of_a_png_become_a_profile(plain, tmp_path):
    source = tmp_path / "in.png"
    source.write_bytes(png(noise(40, 50, 3), chunk(b"cICP", bytes([12, 13, 0, 1]))))
    sinct.apply(plain, source, tmp_path / "kept.png", profile="keep")
    sinct.apply(plain, source, tmp_path / "srgb.png")
    assert read_header(tmp_path / "kept.png").profile == profile_of_cicp(Cicp(12, 13, 0, True), 8, [])
    difference = read_picture(tmp_path / "kept.png").pixels - read_picture(tmp_path / "srgb.png").pixels
    assert difference.abs().mean() < 1 / 127.5


def test_provenance_says_that_the_profile_was_kept(plain, noisy, tmp_path):
    source = noisy(width=60, height=50, icc_profile=made("Display P3"))
    sinct.apply(plain, source, tmp_path / "kept.png", profile="keep")
    sinct.apply(plain, source, tmp_path / "srgb.png")
    assert read_provenance(tmp_path / "kept.png")["profile"] == "keep"
    assert "profile" not in read_provenance(tmp_path / "srgb.png")


def test_rows_of_another_profile_are_not_continued(plain, noisy, tmp_path, small_windows):
    pytest.importorskip("pyvips")
    source, output = noisy(icc_profile=made("Display P3")), tmp_path / "out.png"
    stopped = sinct.apply(plain, source, output, max_memory=IN_ROWS, profile="keep", should_stop=lambda: True)
    assert not stopped.finished
    with pytest.raises(sinct.OutputError, match="belongs to another picture, model or setting"):
        sinct.apply(plain, source, output, max_memory=IN_ROWS, resume=True)
    assert sinct.apply(plain, source, output, max_memory=IN_ROWS, profile="keep", resume=True).finished
    assert read_header(output).profile == made("Display P3")


def test_unknown_choice_is_refused_before_training(plain, make_picture, tmp_path, tiny):
    painting, photo = make_picture("painting.png"), make_picture("photo.png", seed=1)
    with pytest.raises(sinct.ConfigError, match="`profile` must be 'srgb' or 'keep', got 'p3'"):
        sinct.translate(painting, photo, tmp_path / "out.png", config=tiny, profile="p3")
    assert not (tmp_path / "out.sinct").exists()


def test_translate_keeps_it(make_picture, tmp_path, tiny):
    painting = make_picture("painting.png", icc_profile=made("Display P3"))
    photo = make_picture("photo.png", seed=1)
    sinct.translate(painting, photo, tmp_path / "out.png", config=tiny, profile="keep")
    assert read_header(tmp_path / "out.png").profile == made("Display P3")
