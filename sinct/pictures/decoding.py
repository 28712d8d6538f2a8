"""Decodes the bytes of a picture file to samples: formats, bit depths, transparency, orientation, EXIF."""

import io
import logging
import os
import struct
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import imagecodecs
import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.ExifTags import IFD, Base

from sinct.errors import InputError
from sinct.pictures.boxes import avif_codes, jpeg2000_depths, jpeg2000_profile, jpeg2000_space
from sinct.pictures.colour import Array
from sinct.pictures.colour_tags import adobe_rgb, profile_of_cicp
from sinct.pictures.png import decode_png, is_png, png_exif, read_png_header
from sinct.pictures.stored import SEVERAL, Stored, check_size, make_stored
from sinct.pictures.tiff_decoding import (
    check_page,
    decode_tiff,
    has_more,
    layout_of,
    opened_tiff,
    tiff_dpi,
    tiff_exif,
)
from sinct.runtime.files import StrPath

READABLE = ("PNG", "JPEG", "TIFF", "WEBP", "AVIF", "GIF", "BMP", "PPM", "JPEG2000")
"""Formats that Pillow may try; its others run external programs (EPS) or are not pictures for people."""

# Both log remarks about odd files; without a handler Python prints them.
for _library in ("imagecodecs", "tifffile"):
    logging.getLogger(_library).addHandler(logging.NullHandler())

START = 16_000_000
"""Bytes at the beginning of a file that are searched for what it says of its picture."""

Samples = tuple[Array, str, Array | None]
"""Colours (H, W, C), their space, and alpha (H, W) or None."""


class Header(NamedTuple):
    """What a picture file's header says about it.

    Attributes:
        size: width and height of the upright picture, in pixels.
        profile: ICC profile, or None.
        exif: EXIF block to carry over, or None.
        dpi: pixels per inch along the width and along the height, or None.
        orientation: how the stored picture must be turned, 1 to 8; see `sinct.pictures.stored.upright`.
        remarks: what a user should know about the file.
    """

    size: tuple[int, int]
    profile: bytes | None
    exif: bytes | None
    dpi: tuple[float, float] | None
    orientation: int = 1
    remarks: tuple[str, ...] = ()


def read_header(path: StrPath) -> Header:
    """Read the header of a file's first picture, whatever its size, and decode none of its pixels.

    Raises:
        InputError: the file cannot be used.
    """
    with reading(sys.maxsize), open(path, "rb") as file:
        start = file.read(33)
        if is_png(start):
            png = read_png_header(file)
            more = [*png.remarks, *([SEVERAL] if png.several else [])]
            return _header(
                png.size, png.profile, lambda: png_exif(png.image), png.image.info.get("dpi"), more
            )
        tiff = opened_tiff(file)
        if tiff is not None:
            page = tiff.pages.first
            check_page(page, os.fstat(file.fileno()).st_size)
            layout_of(page)
            size = page.imagewidth, page.imagelength
            more = [SEVERAL] if has_more(tiff) else []
            return _header(size, page.iccprofile, lambda: tiff_exif(tiff), tiff_dpi(page), more)
        file.seek(0)
        image = Image.open(file, formats=READABLE)
        file.seek(0)
        data = file.read(START)
        check_kind(image, data)
        remarks: list[str] = []
        profile = profile_of(image, data, remarks)
        return _header(image.size, profile, image.getexif, image.info.get("dpi"), remarks)


def _header(
    size: tuple[int, int],
    profile: bytes | None,
    read_exif: Callable[[], Image.Exif],
    dpi: tuple[float, float] | None,
    remarks: Sequence[str],
) -> Header:
    """Turn what a file says upright, by the same rules as its pixels."""
    width, height = size
    pixel = np.zeros((1, 1, 1), np.uint8)
    stored = make_stored(
        pixel, "gray", None, profile=profile, read_exif=read_exif, dpi=dpi, several=False, remarks=remarks
    )
    turned = (height, width) if stored.orientation >= 5 else (width, height)
    return Header(turned, profile, stored.exif, stored.dpi, stored.orientation, tuple(stored.remarks))


def decode(data: bytes, max_pixels: int) -> Stored:
    """Decode the first picture of a file.

    Args:
        data: the whole file.
        max_pixels: most pixels to decode.

    Raises:
        InputError: the file cannot be used. The caller must put the file's name before the message.
    """
    with reading(max_pixels):
        if is_png(data[:33]):
            return decode_png(data, max_pixels)
        return decode_tiff(data, max_pixels) or _by_pillow(data, max_pixels)


@contextmanager
def reading(max_pixels: int) -> Iterator[None]:
    """Let Pillow open up to `max_pixels` without a warning, and turn errors into InputError.

    Pillow's limit and Python's warning filters are global. They are restored, but meanwhile affect other threads.
    """
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None:
        Image.MAX_IMAGE_PIXELS = max(limit, -(-max_pixels // 2))  # Pillow refuses above twice this
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except InputError:
        raise
    except UnidentifiedImageError:
        raise InputError(
            f"is not a picture, or damaged at its start; convert it to one of {', '.join(READABLE)}"
        ) from None
    except Image.DecompressionBombError as error:
        raise InputError(
            f"has more than {max_pixels:,} pixels ({error}); give a smaller picture or raise max_pixels"
        ) from None
    except Exception as error:  # on damaged data decoders raise exceptions of every kind
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"is damaged or cut off ({reason}); copy the whole file again") from error
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def check_kind(image: Image.Image, data: bytes) -> None:
    """Refuse the kinds of files that Pillow cannot decode, by name.

    Raises:
        InputError: the file is one of these.
    """
    if image.format in ("JPEG", "MPO"):
        frame, bits = jpeg_frame(data)
        if frame in LOSSLESS_JPEG or bits != 8:
            kind = "lossless JPEG" if frame in LOSSLESS_JPEG else f"JPEG of {bits} bits"
            raise InputError(f"is a {kind}, as few programs read; save it as PNG or TIFF")
    if image.mode in ("I", "F") and image.format not in ("PPM", "JPEG2000"):
        raise InputError("has 32-bit samples, which have no defined white; save it with 8 or 16 bits")
    if image.format == "PPM" and image.mode == "F":
        raise InputError("has 32-bit samples, which have no defined white; save it with 8 or 16 bits")


LOSSLESS_JPEG = (0xC3, 0xC7, 0xCB, 0xCF)
"""Markers of JPEG frames without a cosine transform."""


def jpeg_frame(data: bytes) -> tuple[int, int]:
    """The marker of a JPEG's frame, 0xC0 to 0xCF, and its bits per sample; (0xC0, 8) if there is none."""
    start = 2
    while start + 5 <= len(data) and data[start] == 0xFF:
        marker = data[start + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return marker, data[start + 4]
        if marker == 0xFF:  # fill
            start += 1
        elif marker == 0xDA:
            break
        else:
            start += 2 + int.from_bytes(data[start + 2 : start + 4], "big")
    return 0xC0, 8


def profile_of(image: Image.Image, data: bytes, remarks: list[str]) -> bytes | None:
    """The ICC profile of a picture that Pillow has opened, also where other tags stand for one.

    Args:
        image: the picture.
        data: the whole file.
        remarks: gets an entry if its colours cannot be converted exactly.
    """
    profile: bytes | None = image.info.get("icc_profile")
    if profile is not None:
        return profile
    if image.format == "JPEG2000":
        return jpeg2000_profile(data)
    if image.format == "AVIF" and (codes := avif_codes(data)) is not None:
        return profile_of_cicp(codes, 8, remarks)
    if image.format == "JPEG" and image.mode == "RGB":
        return adobe_rgb() if _is_camera_adobe(image) else None
    return None


def _is_camera_adobe(image: Image.Image) -> bool:
    """Whether a camera says that a JPEG is in Adobe RGB, which it does without a profile (DCF 2.0)."""
    try:
        exif = image.getexif()
        if exif.get_ifd(IFD.Exif).get(Base.ColorSpace) != 65535:  # uncalibrated: not sRGB
            return False
        return str(exif.get_ifd(IFD.Interop).get(1)).startswith("R03")
    except Exception:  # on damaged data Pillow's parser raises exceptions of every kind
        return False


def _by_pillow(data: bytes, max_pixels: int) -> Stored:
    image = Image.open(io.BytesIO(data), formats=READABLE)
    check_size(*image.size, max_pixels)
    check_kind(image, data)
    if image.format == "JPEG2000" and b"\xff\xd9" not in data:  # OpenJPEG tolerates a missing end
        raise InputError("is cut off (no end mark); copy the whole file again")
    remarks: list[str] = []
    profile = profile_of(image, data, remarks)
    dpi = image.info.get("dpi")
    if image.format == "TIFF":  # without a resolution Pillow says 1
        tiff = opened_tiff(io.BytesIO(data))
        dpi = None if tiff is None else tiff_dpi(tiff.pages.first)
    several = image.format != "MPO" and getattr(image, "is_animated", False)  # an MPO's others are previews
    samples = _deep_jpeg2000(image, data) or _pillow_samples(image, data)
    return make_stored(
        *samples, profile=profile, read_exif=image.getexif, dpi=dpi, several=several, remarks=remarks
    )


def _deep_jpeg2000(image: Image.Image, data: bytes) -> Samples | None:
    """Decode a JPEG 2000 of more than 8 bits, of which Pillow makes black what is white; None for all other files."""
    depths = jpeg2000_depths(data) if image.format == "JPEG2000" else []
    bits = max((depth.bits for depth in depths), default=8)
    if bits <= 8:
        return None
    plain = {(depth.bits, depth.signed, depth.across, depth.down) for depth in depths} == {
        (bits, False, 1, 1)
    }
    if bits > 16 or not plain or len(depths) > 4 or jpeg2000_space(data) not in (None, 16, 17):
        raise InputError(
            f"is a JPEG 2000 with {len(depths)} components of up to {bits} bits in a colour space that is not read; "
            "save it as RGB in PNG or TIFF"
        )
    pixels = imagecodecs.jpeg2k_decode(data).reshape(image.height, image.width, -1)
    scaled = np.rint(pixels * np.float64(65535 / (2**bits - 1))).astype(np.uint16)
    return _parted(scaled)


def _pillow_samples(image: Image.Image, data: bytes) -> Samples:
    image.load()  # turns a TIFF upright
    mode = image.mode
    if mode.startswith("I;16") or (mode == "I" and image.format == "PPM"):
        pixels = np.asarray(image).astype(np.uint16)
    elif mode in ("I", "F"):
        raise InputError("has 32-bit samples, which have no defined white; save it with 8 or 16 bits")
    elif image.format == "BMP" and mode == "RGB" and (alpha := _bmp_alpha(image, data)) is not None:
        pixels = np.dstack([np.asarray(image), alpha])
    else:
        mode = {"1": "L", "L": "L", "LA": "LA", "CMYK": "CMYK", "LAB": "LAB"}.get(mode, "RGB")
        if image.has_transparency_data:
            mode = "LA" if mode in ("L", "LA") else "RGBA"
        pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    if mode == "CMYK":
        return pixels, "cmyk", None
    if mode == "LAB":  # Pillow returns a and b signed
        return pixels ^ np.array([0, 128, 128], np.uint8), "lab", None
    return _parted(pixels.reshape(*pixels.shape[:2], -1))


def _parted(pixels: Array) -> Samples:
    """Part (H, W, 1 to 4) into grey or RGB, its space, and alpha."""
    space, colours = ("gray", 1) if pixels.shape[2] < 3 else ("rgb", 3)
    return pixels[..., :colours], space, pixels[..., colours] if pixels.shape[2] > colours else None


def _bmp_alpha(image: Image.Image, data: bytes) -> Array | None:
    """The fourth byte of a BMP's pixels, (H, W), which programs use as alpha; None if it has none, or only zeros."""
    start, header = struct.unpack("<I", data[10:14])[0], data[14:54]
    bits, compression = struct.unpack("<HI", header[14:20])
    size = image.width * image.height * 4
    if bits != 32 or compression != 0 or len(data) < start + size:
        return None
    rows = np.frombuffer(data, np.uint8, size, start).reshape(image.height, image.width, 4)[..., 3]
    downwards = struct.unpack("<i", header[8:12])[0] < 0
    return (rows if downwards else rows[::-1]) if rows.any() else None
