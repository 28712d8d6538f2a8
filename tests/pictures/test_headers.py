"""What headers say, without the pixels."""

import io
import struct
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image
from PIL.ExifTags import IFD, Base

from sinct.pictures.decoding import read_header
from sinct.pictures.exif import lasting_tags
from sinct.pictures.picture import read_picture, read_provenance
from sinct.pictures.tiff_tags import add_tags
from tests.support.picture_files import chunk, exif_block, png, samples, saved


def kept(exif: bytes | None) -> Image.Exif:
    loaded = Image.Exif()
    loaded.load(exif)
    return loaded


def test_header_of_a_png_is_read_without_its_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block = exif_block(Orientation=6, Artist="Monet").removeprefix(b"Exif\0\0")
    small = png(samples(2, 3, 3))
    large = small.replace(small[8:33], chunk(b"IHDR", struct.pack(">IIBBBBB", 90_000, 80_000, 8, 2, 0, 0, 0)))
    path = tmp_path / "large.png"
    path.write_bytes(large[:-12] + chunk(b"eXIf", block) + chunk(b"IEND", b""))
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("decoded"))
    monkeypatch.setattr(imagecodecs, "png_decode", lambda _: pytest.fail("decoded"))
    header = read_header(path)
    assert header.size == (80_000, 90_000)
    assert header.orientation == 6
    assert kept(header.exif)[Base.Artist] == "Monet"


def test_provenance_is_found_beside_a_long_text(tmp_path: Path) -> None:
    texts = chunk(b"tEXt", b"Comment\0" + b"x" * 3_000_000), chunk(b"tEXt", b"sinct:seed\x007")
    path = tmp_path / "talkative.png"
    path.write_bytes(png(samples(2, 3, 3), *texts))
    assert read_provenance(path) == {"seed": "7"}


def test_exif_of_a_big_endian_bigtiff_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "signed.tif"
    tags = [(274, 3, 1, 8, True), (315, 2, 0, "Claude Monet", True)]
    tifffile.imwrite(
        path, samples(4, 6, 3), photometric="rgb", byteorder=">", bigtiff=True, metadata=None, extratags=tags
    )
    for found in (read_header(path), read_picture(path)):
        assert kept(found.exif)[Base.Artist] == "Claude Monet"
    assert read_header(path).size == (4, 6)


@pytest.mark.parametrize(("order", "bigtiff"), [("<", False), (">", False), ("<", True)])
def test_exif_of_a_tiff_is_kept(tmp_path: Path, order: str, bigtiff: bool) -> None:
    path = tmp_path / "signed.tif"
    orientation = [(274, 3, 1, 8, True)]
    tifffile.imwrite(
        path, samples(4, 6, 3), photometric="rgb", byteorder=order, bigtiff=bigtiff, extratags=orientation
    )
    made = Image.Exif()
    made[Base.Artist] = "Claude Monet"
    made.get_ifd(IFD.Exif)[Base.DateTimeOriginal] = "1885:01:01 00:00:00"
    made.get_ifd(IFD.GPSInfo)[1] = "N"
    with path.open("r+b") as file:
        add_tags(file, lasting_tags(kept(made.tobytes())))
    for found in (read_header(path), read_picture(path)):
        exif = kept(found.exif)
        assert exif[Base.Artist] == "Claude Monet"
        assert exif.get_ifd(IFD.Exif)[Base.DateTimeOriginal] == "1885:01:01 00:00:00"
        assert exif.get_ifd(IFD.GPSInfo)[1] == "N"
    assert read_header(path).size == (4, 6)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_tiff_without_a_resolution_has_none(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "plain.tif"
    path.write_bytes(saved(Image.fromarray(samples(4, 6, 3)).convert(mode), "TIFF"))
    assert read_header(path).dpi is None
    assert read_picture(path).dpi is None


def test_unit_of_a_resolution_is_required(tmp_path: Path) -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros((4, 6), np.uint8), resolution=(300, 300), resolutionunit="none")
    path = tmp_path / "plain.tif"
    path.write_bytes(file.getvalue())
    assert read_picture(path).dpi is None
