"""What is not a picture is refused in one line."""

import errno
import io
import os
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from torch import Tensor

from sinct.errors import InputError
from sinct.pictures.picture import (
    read_picture,
)
from tests.support.picture_files import (
    ADOBE_PRIMARIES,
    camera_exif,
    chunk,
    png,
    rgb_profile,
    samples,
    saved,
    tiff,
)


def assert_refused(path: Path, match: str, **options: Any) -> None:
    with pytest.raises(InputError, match=match) as caught:
        read_picture(path, **options)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message


def test_missing_file_is_refused(tmp_path: Path) -> None:
    assert_refused(tmp_path / "none.png", r"none\.png does not exist; check the path")


def test_directory_is_refused(tmp_path: Path) -> None:
    assert_refused(tmp_path, r"is a directory; give a picture file")


def test_file_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "read_bytes", deny)  # the tests may run as root, whom nothing is denied
    assert_refused(
        tmp_path / "a.png", r"cannot be read \(Permission denied\); check the path and its permissions"
    )


def test_null_character_in_a_path_is_refused() -> None:
    with pytest.raises(InputError, match=r"a\\x00b cannot be read"):
        read_picture("a\0b")


def test_message_is_one_line_even_if_the_path_is_not(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"two\\nlines\.png does not exist") as caught:
        read_picture(tmp_path / "two\nlines.png")
    assert "\n" not in str(caught.value)


def retagged(**values: int) -> bytes:
    """A TIFF of one pixel with other numbers in some tags."""
    data = bytearray(tiff(samples(1, 1, 3), photometric="rgb"))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        for name, value in values.items():
            tag = file.pages.first.tags[name]
            struct.pack_into(
                "<H" if tag.dtype == tifffile.DATATYPE.SHORT else "<I", data, tag.valueoffset, value
            )
    return bytes(data)


FLOATS = np.zeros((4, 4, 3), np.float32)


BAD_FILES = {
    "empty": (b"", r"is empty; copy the whole file again"),
    "text": (
        b"no picture at all",
        r"is not a picture, or damaged at its start; convert it to one of PNG, JPEG, TIFF, ",
    ),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", r"is not a picture"),
    "png header": (png(samples(4, 4, 3))[:30], r"is not a picture, or damaged at its start"),
    "png cut": (
        png(samples(40, 40, 3))[:-99],
        r"is damaged or cut off \(.*\); copy the whole file",
    ),
    "png16 cut": (png(samples(40, 40, 3, bits=16))[:-99], r"is damaged or cut off"),
    "jpeg cut": (saved(Image.fromarray(samples(40, 40, 3)), "JPEG")[:-99], r"is damaged or cut off"),
    "tiff cut": (
        tiff(samples(40, 40, 3), photometric="rgb")[:-99],
        r"is damaged or cut off \(missing strips\)",
    ),
    "jpeg 2000 cut": (
        saved(Image.fromarray(samples(40, 40, 3)), "JPEG2000")[:206],
        r"is cut off \(no end mark\)",
    ),
    "no height": (
        retagged(ImageWidth=4, ImageLength=0),
        r"has 4x0 px; give a picture with at least 1x1 px",
    ),
    "png without height": (png(np.zeros((0, 4, 3), np.uint8)), r"is not a picture, or damaged at its start"),
    "float tiff": (
        tiff(FLOATS + 9, photometric="rgb"),
        r"has floating-point samples from 9 to 9, most of which are outside of 0 to 1; scale them",
    ),
    "float tiff without numbers": (
        tiff(FLOATS * np.nan, photometric="rgb"),
        r"has samples that are no numbers, or infinite; save it with 16 bits",
    ),
    "float tiff of inks": (
        tiff(np.zeros((4, 4, 4), np.float32), photometric="separated"),
        r"has 32-bit samples \(IEEEFP, SEPARATED\); save it with unsigned 8 or 16 bits",
    ),
    "exr": (
        b"v/1\1\2\0\0\0",
        r"is an OpenEXR picture, which is not read; set its exposure and save it as PNG",
    ),
    "radiance": (b"#?RADIANCE\n", r"is a Radiance HDR picture, which is not read"),
    "signed tiff": (
        tiff(FLOATS.astype(np.int16), photometric="rgb"),
        r"has 16-bit samples \(INT, RGB\); save it with unsigned 8 or 16 bits in grey, RGB or CMYK",
    ),
    "float pfm": (b"Pf\n2 2\n-1.0\n" + bytes(16), r"has 32-bit samples, which have no defined white"),
    "preview": (
        tiff(samples(4, 4, 3), photometric="rgb", subfiletype=1),
        r"begins with a preview, like a camera's raw file; export a full TIFF or PNG",
    ),
    "three inks": (
        retagged(PhotometricInterpretation=5),
        r"has 3 samples per pixel, too few for cmyk; save it as RGB",
    ),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file_is_refused(tmp_path: Path, name: str) -> None:
    data, match = BAD_FILES[name]
    path = tmp_path / "bad.file"
    path.write_bytes(data)
    assert_refused(path, match)


@pytest.mark.parametrize(
    ("kind", "size", "max_pixels", "match"),
    [
        (
            "png",
            (20000, 15000),
            178_956_970,
            r"more than 178,956,970 pixels \(.*300000000 pixels.*\); give a smaller",
        ),
        (
            "png",
            (300, 200),
            59_999,
            r"has 300x200 px, more than 59,999 pixels; give a smaller picture or raise max",
        ),
        (
            "tiff",
            (20000, 15000),
            178_956_970,
            r"has 20000x15000 px, more than 178,956,970 pixels; give a smaller",
        ),
    ],
)
def test_huge_picture_is_refused_before_decoding(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    size: tuple[int, int],
    max_pixels: int,
    match: str,
) -> None:
    small = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    large = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0))
    data = (
        png(samples(1, 1, 3)).replace(small, large)
        if kind == "png"
        else retagged(ImageWidth=size[0], ImageLength=size[1])
    )
    path = tmp_path / "bomb"
    path.write_bytes(data)
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("decoded"))
    assert_refused(path, match, max_pixels=max_pixels)


def test_max_pixels_lifts_pillows_limit_for_the_call_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(png(samples(10, 10, 3)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    assert read_picture(path, max_pixels=100).pixels.shape == (3, 10, 10)
    assert Image.MAX_IMAGE_PIXELS == 20
    assert_refused(path, r"has more than 45 pixels|has 10x10 px, more than 45 pixels", max_pixels=45)
    assert Image.MAX_IMAGE_PIXELS == 20


def corpus() -> dict[str, bytes]:
    """One small file of each kind."""
    pixels, deep = samples(13, 17, 3), samples(13, 17, 3, bits=16)
    image = Image.fromarray(pixels)
    kinds = ("PNG", "JPEG", "GIF", "BMP", "PPM", "WEBP", "JPEG2000", "AVIF")
    return {
        **{kind: saved(image, kind) for kind in kinds},
        "progressive": saved(image, "JPEG", progressive=True, exif=camera_exif()),
        "palette png": saved(image.quantize(9), "PNG"),
        "palette tiff": saved(image.quantize(9), "TIFF"),
        "tiff": saved(image, "TIFF", exif=camera_exif()),
        "lzw": tiff(deep, photometric="rgb", compression="lzw", predictor=True),
        "deflate": tiff(deep, photometric="rgb", compression="zlib", rowsperstrip=4),
        "tiles": tiff(deep, photometric="rgb", tile=(16, 16)),
        "png16": png(deep, chunk(b"iCCP", b"wide\0\0" + zlib.compress(rgb_profile(ADOBE_PRIMARIES, 2.2)))),
    }


def read_or_refuse(path: Path, data: bytes) -> Tensor | None:
    """Pixels, or None after an InputError; any other exception fails the test."""
    path.write_bytes(data)
    try:
        return read_picture(path, max_pixels=100_000).pixels
    except InputError:
        return None


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", corpus())
def test_cut_file_is_refused_or_read_whole(tmp_path: Path, kind: str) -> None:
    data = corpus()[kind]
    whole = read_or_refuse(tmp_path / "whole", data)
    assert whole is not None
    for length in random.Random(kind).sample(range(1, len(data)), 60):
        pixels = read_or_refuse(tmp_path / "cut", data[:length])
        assert pixels is None or torch.equal(pixels, whole), length


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", corpus())
def test_damaged_file_raises_nothing_but_input_error(tmp_path: Path, kind: str) -> None:
    data, chance = corpus()[kind], random.Random(kind)
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(chance.choice((1, 2, 5))):
            damaged[chance.randrange(min(len(data), chance.choice((60, 400, 9999))))] = chance.randrange(256)
        read_or_refuse(tmp_path / "damaged", bytes(damaged))


def test_random_bytes_are_refused(tmp_path: Path) -> None:
    chance = random.Random(0)
    for start in (
        b"",
        b"II*\0",
        b"MM\0*",
        b"II+\0",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"GIF89a",
        b"BM",
        b"P6 ",
    ):
        path = tmp_path / "random"
        path.write_bytes(start + chance.randbytes(200))
        with pytest.raises(InputError):
            read_picture(path)


def test_floating_point_of_one_bit_is_refused(read):
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros((4, 6, 3), np.float32), photometric="rgb")
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        place = tiff.pages.first.tags["BitsPerSample"].valueoffset
    data = bytearray(file.getvalue())
    data[place : place + 6] = struct.pack("<HHH", 1, 1, 1)
    with pytest.raises(InputError, match="has floating-point samples of 1 bits; save it with 16 bits"):
        read(bytes(data))
