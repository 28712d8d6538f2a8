"""Rows that are read from a file."""

import sys

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

import sinct
from sinct.errors import InputError
from sinct.pictures.decoding import Header, read_header
from sinct.pictures.picture import read_picture
from sinct.pictures.rows import check_memory, open_source, overlapping, read_shrunk
from sinct.pictures.rows_to_file import encode
from tests.support.picture_files import samples, tiff

pytest.importorskip("pyvips")


def test_overlapping_bands_read_each_row_once():
    rows = np.arange(40)[:, None, None]
    asked = []

    def read(start, stop):
        asked.append((start, stop))
        return rows[start:stop]

    bands = [(0, 12), (6, 20), (14, 40)]
    for (start, stop), (top, held) in zip(bands, overlapping(read, bands), strict=True):
        assert (top, held.tolist()) == (start, rows[start:stop].tolist())
    assert asked == [(0, 12), (12, 20), (20, 40)]


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "1", "LA"])
def test_colours_are_those_of_the_reader_in_memory(mode, make_picture, tmp_path):
    suffix = ".tif" if mode == "CMYK" else ".png"
    with Image.open(make_picture()) as picture:
        picture.convert("L" if mode == "LA" else mode).convert(mode).save(tmp_path / f"in{suffix}")
    source = open_source(tmp_path / f"in{suffix}")
    rows = source.rows()
    pixels = source.pixels(np.concatenate([rows(0, 20), rows(20, 45)]))
    torch.testing.assert_close(pixels, read_picture(tmp_path / f"in{suffix}").pixels, rtol=0, atol=0.005)


def test_profile_is_converted(make_picture, tmp_path):
    from imagecodecs import cms_profile

    path = make_picture(icc_profile=cms_profile("adobergb"))
    source = open_source(path)
    torch.testing.assert_close(source.pixels(source.rows()(0, 45)), read_picture(path).pixels)


def test_shrunk_picture_has_at_most_so_many_pixels(make_picture):
    source = open_source(make_picture(width=300, height=260))
    shrunk = read_shrunk(source, 20_000)
    assert shrunk.shape[0] == 3
    assert 18_000 < shrunk.shape[1] * shrunk.shape[2] <= 20_400
    assert read_shrunk(source, 10**6).shape == (3, 260, 300)


def test_missing_library_is_asked_for_by_name(make_picture, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyvips", None)
    with pytest.raises(sinct.InputError, match=r'needs pyvips.*`pip install "pyvips\[binary\]"`'):
        open_source(make_picture())


def test_codec_that_libvips_lacks_is_found_out(tmp_path, monkeypatch):
    pixels = samples(40, 30, 3, bits=16)
    path = tmp_path / "zstd.tif"
    path.write_bytes(tiff(pixels, photometric="rgb", compression="zstd", rowsperstrip=7))
    monkeypatch.setattr("sinct.pictures.rows.libvips_agrees", lambda page, layout: True)
    source = open_source(path)
    assert source.reader == "tifffile"
    assert (source.rows()(3, 40) == pixels[3:]).all()


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "packbits"])
def test_plain_tiff_is_left_to_libvips(compression, tmp_path):
    path = tmp_path / "plain.tif"
    path.write_bytes(tiff(samples(40, 30, 3, bits=16), photometric="rgb", compression=compression))
    assert open_source(path).reader == "libvips"


@pytest.mark.parametrize("suffix", [".tif", ".bmp"])
def test_other_readers_shrink_too(suffix, tmp_path):
    path = tmp_path / f"in{suffix}"
    pixels = np.tile(np.linspace(0, 255, 300).astype(np.uint8)[None, :, None], (260, 1, 3))
    if suffix == ".tif":
        path.write_bytes(tiff(pixels, photometric="rgb", compression="zstd"))
    else:
        Image.fromarray(pixels).save(path)
    source = open_source(path)
    assert source.reader != "libvips"
    shrunk = read_shrunk(source, 20_000)
    assert 18_000 < shrunk.shape[1] * shrunk.shape[2] <= 20_000
    torch.testing.assert_close(shrunk[0, 0], torch.linspace(-1, 1, shrunk.shape[2]), atol=0.02, rtol=0)
    assert read_shrunk(source, 10**6).shape == (3, 260, 300)


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg"])
def test_no_resolution_is_made_up(suffix, tmp_path):
    rows, output = tmp_path / "rows", tmp_path / f"out{suffix}"
    rows.write_bytes(tiff(samples(40, 30, 3), photometric="rgb"))
    encode(rows, output, Header((30, 40), None, None, None), {})
    assert read_header(output).dpi is None
    encode(rows, output, Header((30, 40), None, None, (300.0, 300.0)), {})
    assert read_header(output).dpi == pytest.approx((300, 300), rel=1e-3)


@pytest.mark.parametrize("compression", ["zlib", "zstd"])
def test_damaged_strip_is_refused_in_one_line(compression, tmp_path):
    data = bytearray(tiff(samples(40, 30, 3), photometric="rgb", compression=compression, rowsperstrip=10))
    data[-3000:] = bytes(3000)
    path = tmp_path / "damaged.tif"
    path.write_bytes(data)
    with pytest.raises(
        sinct.InputError, match=r"^\S*damaged\.tif is damaged or cut off \(.*\); copy it again$"
    ):
        open_source(path).rows()(0, 40)


def test_black_first_row_proves_nothing_of_libvips(tmp_path):
    """A libtiff without the codec gives zeros, which a black row would be too."""
    for name, first in (("black", 0), ("grey", 90)):
        picture = np.full((40, 30, 3), 90, np.uint8)
        picture[0] = first
        tifffile.imwrite(tmp_path / f"{name}.tif", picture, photometric="rgb", compression="zlib")
    assert open_source(tmp_path / "black.tif").reader == "tifffile"
    assert open_source(tmp_path / "grey.tif").reader == "libvips"


def test_file_that_is_decoded_at_once_is_refused_where_it_exceeds_the_memory(make_picture):
    path = make_picture("in.gif", 300, 200)
    check_memory(path, 10**6)
    with pytest.raises(
        InputError, match=r"in\.gif can only be decoded at once.*more than `max_memory=100,000`"
    ):
        check_memory(path, 10**5)
