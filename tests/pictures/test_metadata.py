"""EXIF data, resolution and provenance, read and written."""

import io
import struct
from pathlib import Path

import pytest
import torch
from PIL import ExifTags, Image

from sinct.errors import InputError
from sinct.pictures.picture import (
    Picture,
    read_picture,
    read_provenance,
    write_picture,
)
from tests.support.odd_pictures.jxl import box, contained, encoded
from tests.support.odd_pictures.psd import psd, resource
from tests.support.odd_pictures.raw import dng
from tests.support.picture_files import (
    EVERY_FORMAT,
    Read,
    camera_exif,
    chunk,
    exif_block,
    noise,
    opened,
    png,
    samples,
    saved,
    tiff,
)


@pytest.fixture
def photographed(read: Read) -> Picture:
    image = Image.fromarray(samples(3, 5, 3))
    return read(saved(image, "JPEG", exif=camera_exif(), dpi=(300, 200)))


def parsed(block: bytes | None) -> Image.Exif:
    exif = Image.Exif()
    exif.load(block or b"")
    return exif


def assert_describes_the_photo(exif: Image.Exif) -> None:
    camera, place = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
    assert exif[ExifTags.Base.Artist].encode("latin-1").decode() == "José"
    assert camera[ExifTags.Base.DateTimeOriginal] == "2024:05:06 07:08:09"
    assert camera[ExifTags.Base.FocalLength] == 50
    assert place == {ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSLatitude: (48, 51, 29)}
    assert exif.get(ExifTags.Base.Orientation, 1) == 1


def test_exif_keeps_what_stays_true(photographed: Picture) -> None:
    assert_describes_the_photo(parsed(photographed.exif))


def test_exif_loses_orientation_sizes_colour_space_and_maker_note(photographed: Picture) -> None:
    exif = parsed(photographed.exif)
    assert exif[ExifTags.Base.Orientation] == 1
    assert set(exif.get_ifd(ExifTags.IFD.Exif)) == {
        ExifTags.Base.DateTimeOriginal,
        ExifTags.Base.FocalLength,
    }
    assert ExifTags.Base.ImageWidth not in exif


def test_exif_of_only_layout_is_none(read: Read) -> None:
    block = exif_block(Orientation=3, XResolution=72.0)
    assert read(saved(Image.new("RGB", (2, 2)), "PNG", exif=block)).exif is None
    assert read(saved(Image.new("RGB", (2, 2)), "TIFF")).exif is None


def test_resolution_turns_with_the_picture(photographed: Picture) -> None:
    assert photographed.dpi == (200, 300)


@pytest.mark.parametrize(
    ("unit", "expected"), [("inch", (300, 200)), ("centimeter", (762, 508)), ("none", None)]
)
def test_resolution_of_a_tiff_is_per_inch(
    read: Read, unit: str, expected: tuple[float, float] | None
) -> None:
    dpi = read(tiff(samples(2, 2, 3), photometric="rgb", resolution=(300, 200), resolutionunit=unit)).dpi
    assert dpi == (expected and pytest.approx(expected))


def test_missing_resolution_is_none(read: Read) -> None:
    for kind in ("PNG", "TIFF", "JPEG"):
        assert read(saved(Image.new("RGB", (2, 2)), kind)).dpi is None


@pytest.mark.parametrize("damage", [b"garbage", b"MM"], ids=len)
def test_damaged_exif_is_left_out_with_a_warning(read: Read, damage: bytes) -> None:
    image = Image.fromarray(samples(4, 4, 3))
    data = png(samples(4, 4, 3), chunk(b"eXIf", damage))
    with pytest.warns(UserWarning, match=r"picture: its EXIF data are damaged, so they are left out"):
        picture = read(data)
    assert picture.exif is None
    assert torch.equal(picture.pixels, read(saved(image, "PNG")).pixels)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "TIFF", "WEBP"])
def test_first_of_several_pictures_is_used_with_a_warning(read: Read, kind: str) -> None:
    first, second = (Image.new("L", (4, 4), grey).convert("RGB") for grey in (255, 0))
    data = saved(first, kind, save_all=True, append_images=[second])
    with pytest.warns(
        UserWarning, match=r"picture: it holds several pictures, of which only the first is used"
    ):
        picture = read(data)
    assert picture.pixels.min() == 1


def test_previews_in_a_camera_jpeg_are_no_pictures(read: Read) -> None:
    image = Image.new("RGB", (8, 8))
    assert read(saved(image, "MPO", save_all=True, append_images=[image])).pixels.shape == (3, 8, 8)


@pytest.mark.parametrize(("suffix", "bits"), EVERY_FORMAT)
def test_exif_is_carried_over(tmp_path: Path, photographed: Picture, suffix: str, bits: int) -> None:
    path = tmp_path / f"out{suffix}"
    write_picture(path, photographed.pixels, bits=bits, exif=photographed.exif, provenance={"seed": "1"})
    if suffix != ".jxl":  # which Pillow does not know
        assert_describes_the_photo(opened(path).getexif())
    assert_describes_the_photo(parsed(read_picture(path).exif))


@pytest.mark.parametrize(
    ("suffix", "bits"), [form for form in EVERY_FORMAT if form[0] not in (".webp", ".jxl", ".avif")]
)
def test_resolution_is_carried_over(tmp_path: Path, suffix: str, bits: int) -> None:
    write_picture(tmp_path / f"out{suffix}", noise(3, 3), bits=bits, dpi=(300, 200))
    assert read_picture(tmp_path / f"out{suffix}").dpi == pytest.approx(
        (300, 200), abs=0.02
    )  # PNG: per metre


def test_exif_too_large_for_a_jpeg_is_left_out_with_a_warning(tmp_path: Path) -> None:
    block = exif_block(ImageDescription="x" * 70_000)
    with pytest.warns(UserWarning, match=r"out\.jpg: over 64 KB of EXIF data do not fit into a JPEG"):
        write_picture(tmp_path / "out.jpg", noise(3, 3), exif=block)
    assert read_picture(tmp_path / "out.jpg").exif is None


@pytest.mark.parametrize(("suffix", "bits"), EVERY_FORMAT)
def test_provenance_is_read_back(tmp_path: Path, suffix: str, bits: int) -> None:
    provenance = {"seed": "1", "artist": "Žofie \"<&'> 絵\nsecond line", "empty": ""}
    write_picture(tmp_path / f"out{suffix}", noise(3, 3), bits=bits, provenance=provenance)
    assert read_provenance(tmp_path / f"out{suffix}") == provenance


def test_provenance_texts_of_a_png_have_the_programs_prefix(tmp_path: Path) -> None:
    write_picture(tmp_path / "out.png", noise(3, 3), provenance={"seed": "1"})
    assert opened(tmp_path / "out.png").info["sinct:seed"] == "1"


def test_foreign_picture_has_no_provenance(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / "foreign.png")
    Image.new("RGB", (2, 2)).save(tmp_path / "foreign.jpg", xmp=b"<x:xmpmeta/>")
    assert read_provenance(tmp_path / "foreign.png") == {}
    assert read_provenance(tmp_path / "foreign.jpg") == {}


def test_provenance_of_no_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.png does not exist"):
        read_provenance(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("text")
    with pytest.raises(InputError, match=r"text\.png is not a picture"):
        read_provenance(tmp_path / "text.png")


def test_exif_of_a_jpeg_xl_is_kept_but_for_its_orientation(read: Read) -> None:
    data = contained(encoded(samples(3, 5, 3)), box(b"Exif", bytes(4) + camera_exif()[6:]))
    picture = read(data)
    assert picture.pixels.shape == (3, 3, 5)
    assert_describes_the_photo(parsed(picture.exif))


def test_exif_of_a_heic_is_kept_but_for_its_orientation(read: Read) -> None:
    library = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    library.from_pillow(Image.new("RGB", (48, 32))).save(file, exif=camera_exif())
    picture = read(file.getvalue())
    assert picture.pixels.shape == (3, 48, 32)  # pillow-heif stores the orientation apart
    assert_describes_the_photo(parsed(picture.exif))


def test_exif_and_resolution_of_a_photoshop_file_are_kept(read: Read) -> None:
    pytest.importorskip("psd_tools")
    resolution = struct.pack(">IHHIHH", 300 << 16, 1, 1, 240 << 16, 1, 1)
    entries = resource(1058, camera_exif()[6:]) + resource(1005, resolution)
    picture = read(psd(samples(3, 5, 3), resources=entries))
    assert picture.pixels.shape == (3, 3, 5)
    assert picture.dpi == (300, 240)
    assert_describes_the_photo(parsed(picture.exif))


def test_exif_of_a_raw_file_is_kept_but_for_its_orientation(read: Read) -> None:
    pytest.importorskip("rawpy")
    exif = parsed(read(dng(orientation=6)).exif)
    assert exif[ExifTags.Base.Model] == "Camera"
    assert exif[ExifTags.Base.Orientation] == 1
