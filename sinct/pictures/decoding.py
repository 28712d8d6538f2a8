"""Bytes of a picture file to samples: formats, bit depths, transparency, orientation, EXIF."""

import io
import logging
import math
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import imagecodecs
import numpy as np
import tifffile
from PIL import Image, UnidentifiedImageError
from tifffile import EXTRASAMPLE, PHOTOMETRIC, RESUNIT, SAMPLEFORMAT

from sinct.errors import InputError
from sinct.pictures.colour import Array
from sinct.pictures.exif import lasting_block, orientation_in
from sinct.runtime.files import StrPath

READABLE = ("PNG", "JPEG", "TIFF", "WEBP", "AVIF", "GIF", "BMP", "PPM", "JPEG2000")
"""What Pillow may try; its other formats run foreign programs (EPS) or hold no pictures for people."""

TIFF_SPACES = {
    PHOTOMETRIC.MINISWHITE: ("gray", 1),
    PHOTOMETRIC.MINISBLACK: ("gray", 1),
    PHOTOMETRIC.RGB: ("rgb", 3),
    PHOTOMETRIC.SEPARATED: ("cmyk", 4),
}
"""Colour space and samples a pixel of the TIFFs that tifffile reads: those that need no conversion."""

# Both log remarks on odd files; without any handler Python prints them.
for _library in ("imagecodecs", "tifffile"):
    logging.getLogger(_library).addHandler(logging.NullHandler())


class Stored(NamedTuple):
    """A picture as its file stores it, but upright.

    Attributes:
        samples: (H, W, C) uint8 or uint16, C as `space` demands.
        space: "gray", "rgb", "cmyk" (255 is full ink) or "lab" (a and b raised by 128).
        alpha: (H, W) of the same type, or None.
        profile: ICC profile, or None.
        exif: block to carry over, or None.
        dpi: along the width and along the height, or None.
        remarks: what a person should know about the file.
    """

    samples: Array
    space: str
    alpha: Array | None
    profile: bytes | None
    exif: bytes | None
    dpi: tuple[float, float] | None
    remarks: list[str]


class Header(NamedTuple):
    """What a picture file says about itself without being decoded.

    Attributes:
        size: width and height in pixels, upright.
        profile: ICC profile, or None.
        exif: block to carry over, or None.
        dpi: along the width and along the height, or None.
    """

    size: tuple[int, int]
    profile: bytes | None
    exif: bytes | None
    dpi: tuple[float, float] | None


def read_header(path: StrPath) -> Header:
    """Read the header of the first picture of a file of any size.

    Raises:
        InputError: the file cannot be used.
    """
    with reading(sys.maxsize), open(path, "rb") as file:
        image = Image.open(file, formats=READABLE)
        profile, dpi, block = image.info.get("icc_profile"), image.info.get("dpi"), Image.Exif()
        try:
            block = image.getexif()
            exif = lasting_block(block)
        except Exception:  # Pillow's parser meets damage with exceptions of every kind
            exif = None
        orientation = orientation_in(block)
        width, height = image.size
        if image.format == "TIFF":
            file.seek(0)
            with tifffile.TiffFile(file) as tiff:
                page = tiff.pages.first
                if not _is_whole(page, os.fstat(file.fileno()).st_size):
                    raise InputError("is damaged or cut off (missing strips); copy it again")
                dpi, profile = _tiff_dpi(page), page.iccprofile
                width, height = page.imagewidth, page.imagelength
        size = (height, width) if orientation >= 5 else (width, height)
        return Header(size, profile, exif, _plausible(dpi, orientation))


def decode(data: bytes, max_pixels: int) -> Stored:
    """Decode the first picture of a file.

    Args:
        data: the whole file.
        max_pixels: most pixels to decode.

    Raises:
        InputError: the file cannot be used. The message leaves it to the caller to name the file.
    """
    with reading(max_pixels):
        return _from_tiff(data, max_pixels) or _from_pillow(data, max_pixels)


@contextmanager
def reading(max_pixels: int) -> Iterator[None]:
    """Let Pillow open up to `max_pixels` without a warning, and turn what fails into InputError.

    Pillow's limit and Python's filters of warnings are global: they are put back, but other threads see them.
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
            f"is no picture, or damaged at its start; one of {', '.join(READABLE)} is needed: convert it"
        ) from None
    except Image.DecompressionBombError as error:
        raise InputError(
            f"has more than {max_pixels:,} pixels ({error}); give a smaller picture or raise max_pixels"
        ) from None
    except Exception as error:  # decoders meet damage with exceptions of every kind
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"is damaged or cut off ({reason}); a whole picture is needed: copy it again"
        ) from error
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise InputError(f"has {width}x{height} px; at least 1x1 px are needed: give another picture")
    if width * height > max_pixels:
        raise InputError(
            f"has {width}x{height} px, more than {max_pixels:,} pixels; "
            "give a smaller picture or raise max_pixels"
        )


def _stored(
    samples: Array,
    space: str,
    alpha: Array | None,
    *,
    profile: bytes | None,
    read_exif: Callable[[], Image.Exif],
    dpi: tuple[float, float] | None,
    several: bool,
) -> Stored:
    remarks = ["it holds several pictures, of which only the first is used"] if several else []
    orientation, exif = 1, None
    try:
        block = read_exif()
        orientation = orientation_in(block)
        exif = lasting_block(block)
    except Exception:  # Pillow's parser meets damage with exceptions of every kind
        remarks.append("its EXIF data are damaged and left out")
    return Stored(
        samples=_upright(samples, orientation),
        space=space,
        alpha=None if alpha is None else _upright(alpha, orientation),
        profile=profile,
        exif=exif,
        dpi=_plausible(dpi, orientation),
        remarks=remarks,
    )


# Pillow: most formats, and the rarer kinds of TIFF ------------------------------------------------------


def _from_pillow(data: bytes, max_pixels: int) -> Stored:
    image = Image.open(io.BytesIO(data), formats=READABLE)
    _check_size(*image.size, max_pixels)
    if image.format == "JPEG2000" and b"\xff\xd9" not in data:  # OpenJPEG puts up with missing ends
        raise InputError("is cut off (no end mark); a whole picture is needed: copy it again")
    image.load()  # also reads what a PNG has behind its pixels, and turns a TIFF upright
    has_more = image.format != "MPO" and getattr(image, "is_animated", False)  # an MPO's others are previews
    return _stored(
        *_pillow_samples(image, data),
        profile=image.info.get("icc_profile"),
        read_exif=image.getexif,
        dpi=image.info.get("dpi"),
        several=has_more,
    )


def _pillow_samples(image: Image.Image, data: bytes) -> tuple[Array, str, Array | None]:
    mode = image.mode
    if image.format == "PNG" and data[24] == 16:  # IHDR's bit depth; of colours Pillow would keep 8 bits
        pixels = imagecodecs.png_decode(data)
    elif mode.startswith("I;16") or (mode == "I" and image.format == "PPM"):
        pixels = np.asarray(image).astype(np.uint16)
    elif mode in ("I", "F"):
        raise InputError("has 32-bit samples, whose white is not defined; save it with 8 or 16 bits")
    else:
        mode = {"1": "L", "L": "L", "LA": "LA", "CMYK": "CMYK", "LAB": "LAB"}.get(mode, "RGB")
        if image.has_transparency_data:
            mode = "LA" if mode in ("L", "LA") else "RGBA"
        pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    if mode == "CMYK":
        return pixels, "cmyk", None
    if mode == "LAB":  # Pillow hands out a and b signed
        return pixels ^ np.array([0, 128, 128], np.uint8), "lab", None
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    space, colours = ("gray", 1) if pixels.shape[2] < 3 else ("rgb", 3)
    return pixels[..., :colours], space, pixels[..., colours] if pixels.shape[2] > colours else None


# tifffile: 8 and 16 bits in any layout, of which Pillow knows few and keeps 8 bits ----------------------


def _from_tiff(data: bytes, max_pixels: int) -> Stored | None:
    """Decode a TIFF; None leaves the file to Pillow."""
    if data[:2] not in (b"II", b"MM"):
        return None
    try:
        tiff = tifffile.TiffFile(io.BytesIO(data))
    except Exception:  # no TIFF or a damaged one: Pillow knows
        return None
    with tiff:
        page = tiff.pages.first
        bits, kind = page.bitspersample, page.photometric
        _check_size(page.imagewidth, page.imagelength, max_pixels)
        if page.is_reduced:
            raise InputError("begins with a preview, as raw files of cameras do; export a full TIFF or PNG")
        if not _is_whole(page, len(data)):
            raise InputError(
                "is damaged or cut off (missing strips); a whole picture is needed: copy it again"
            )
        readable = kind in TIFF_SPACES and bits in (8, 16)
        if not readable and bits <= 8:
            return None
        if not readable or page.sampleformat != SAMPLEFORMAT.UINT:
            raise InputError(
                f"has {bits}-bit samples ({SAMPLEFORMAT(page.sampleformat).name}, {PHOTOMETRIC(kind).name}); "
                "unsigned 8 or 16 bits in grey, RGB or CMYK are needed: save it so"
            )
        return _stored(
            *_tiff_samples(page),
            profile=page.iccprofile,
            read_exif=lambda: _tiff_exif(tiff, data),
            dpi=_tiff_dpi(page),
            several=any(not page.aspage().is_reduced for page in tiff.pages[1:2]),  # a pyramid is one picture
        )


def _is_whole(page: tifffile.TiffPage, file_size: int) -> bool:
    """Whether each strip or tile is there; decoders put up with less and leave its place black."""
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    return len(segments) == math.prod(page.chunked) and all(
        offset > 0 and count > 0 and offset + count <= file_size for offset, count in segments
    )


def _tiff_exif(tiff: tifffile.TiffFile, data: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.bigtiff, exif.endian = tiff.is_bigtiff, tiff.byteorder
    exif.load_from_fp(io.BytesIO(data), tiff.pages.first.offset)
    return exif


def _tiff_dpi(page: Any) -> tuple[float, float] | None:
    known = "XResolution" in page.tags and page.resolutionunit in (RESUNIT.INCH, RESUNIT.CENTIMETER)
    return page.get_resolution(RESUNIT.INCH) if known else None


def _tiff_samples(page: Any) -> tuple[Array, str, Array | None]:
    pixels = page.asarray()
    if page.axes == "SYX":  # one plane after the other
        pixels = np.moveaxis(pixels, 0, 2)
    pixels = pixels.reshape(page.imagelength, page.imagewidth, -1)
    space, colours = TIFF_SPACES[page.photometric]
    if pixels.shape[2] < colours:
        raise InputError(f"has {pixels.shape[2]} samples a pixel, too few for {space}; save it as RGB")

    colour, alpha = pixels[..., :colours], None
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        colour = np.iinfo(pixels.dtype).max - colour
    extra = [*page.extrasamples, EXTRASAMPLE.UNASSALPHA][0]  # old files do not say what a fourth sample is
    if pixels.shape[2] > colours and extra != EXTRASAMPLE.UNSPECIFIED:
        alpha = pixels[..., colours]
        if extra == EXTRASAMPLE.ASSOCALPHA:
            colour = _unpremultiplied(colour, alpha)
    return colour, space, alpha


def _unpremultiplied(colour: Array, alpha: Array) -> Array:
    top = np.iinfo(colour.dtype).max
    straight = colour * (np.float32(top) / np.maximum(alpha, 1))[..., None]
    return np.rint(straight).clip(max=top).astype(colour.dtype)


# Geometry ------------------------------------------------------------------------------------------------


def _plausible(dpi: tuple[float, float] | None, orientation: int) -> tuple[float, float] | None:
    """Exchange the axes of a resolution where the picture is turned on its side; None if it says nothing."""
    x, y = (float(value) for value in dpi or (0, 0))
    if not (1 <= x < 65536 and 1 <= y < 65536):  # JPEG holds 16 bits
        return None
    return (y, x) if orientation >= 5 else (x, y)


def _upright(samples: Array, orientation: int) -> Array:
    """Turn (H, W, ...) as an EXIF orientation says, without a copy."""
    if orientation >= 5:
        samples = samples.swapaxes(0, 1)
    mirrored = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}
    return np.flip(samples, mirrored.get(orientation, ()))
