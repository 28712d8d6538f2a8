"""Decodes the bytes of a picture file to samples: formats, bit depths, transparency, orientation, EXIF."""

import io
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import imagecodecs
import numpy as np
import tifffile
from PIL import Image, UnidentifiedImageError

from sinct.errors import InputError
from sinct.pictures.colour import Array
from sinct.pictures.exif import lasting_block, orientation_in
from sinct.pictures.stored import Stored, check_size, make_stored, plausible_dpi
from sinct.pictures.tiff_decoding import decode_tiff, is_whole, tiff_dpi
from sinct.runtime.files import StrPath

READABLE = ("PNG", "JPEG", "TIFF", "WEBP", "AVIF", "GIF", "BMP", "PPM", "JPEG2000")
"""Formats that Pillow may try; its others run external programs (EPS) or are not pictures for people."""

# Both log remarks about odd files; without a handler Python prints them.
for _library in ("imagecodecs", "tifffile"):
    logging.getLogger(_library).addHandler(logging.NullHandler())


class Header(NamedTuple):
    """What a picture file's header says about it.

    Attributes:
        size: width and height of the upright picture, in pixels.
        profile: ICC profile, or None.
        exif: EXIF block to carry over, or None.
        dpi: pixels per inch along the width and along the height, or None.
    """

    size: tuple[int, int]
    profile: bytes | None
    exif: bytes | None
    dpi: tuple[float, float] | None


def read_header(path: StrPath) -> Header:
    """Read the header of a file's first picture, whatever its size.

    Raises:
        InputError: the file cannot be used.
    """
    with reading(sys.maxsize), open(path, "rb") as file:
        image = Image.open(file, formats=READABLE)
        profile, dpi, block = image.info.get("icc_profile"), image.info.get("dpi"), Image.Exif()
        try:
            block = image.getexif()
            exif = lasting_block(block)
        except Exception:  # on damaged data Pillow's parser raises exceptions of every kind
            exif = None
        orientation = orientation_in(block)
        width, height = image.size
        if image.format == "TIFF":
            file.seek(0)
            with tifffile.TiffFile(file) as tiff:
                page = tiff.pages.first
                if not is_whole(page, os.fstat(file.fileno()).st_size):
                    raise InputError("is damaged or cut off (missing strips); copy it again")
                dpi, profile = tiff_dpi(page), page.iccprofile
                width, height = page.imagewidth, page.imagelength
        size = (height, width) if orientation >= 5 else (width, height)
        return Header(size, profile, exif, plausible_dpi(dpi, orientation))


def decode(data: bytes, max_pixels: int) -> Stored:
    """Decode the first picture of a file.

    Args:
        data: the whole file.
        max_pixels: most pixels to decode.

    Raises:
        InputError: the file cannot be used. The caller must put the file's name before the message.
    """
    with reading(max_pixels):
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


def _by_pillow(data: bytes, max_pixels: int) -> Stored:
    image = Image.open(io.BytesIO(data), formats=READABLE)
    check_size(*image.size, max_pixels)
    if image.format == "JPEG2000" and b"\xff\xd9" not in data:  # OpenJPEG tolerates a missing end
        raise InputError("is cut off (no end mark); copy the whole file again")
    image.load()  # also reads what follows a PNG's pixels, and turns a TIFF upright
    has_more = image.format != "MPO" and getattr(image, "is_animated", False)  # an MPO's others are previews
    return make_stored(
        *_pillow_samples(image, data),
        profile=image.info.get("icc_profile"),
        read_exif=image.getexif,
        dpi=image.info.get("dpi"),
        several=has_more,
    )


def _pillow_samples(image: Image.Image, data: bytes) -> tuple[Array, str, Array | None]:
    mode = image.mode
    if image.format == "PNG" and data[24] == 16:  # IHDR's bit depth; Pillow would keep 8 bits of colours
        pixels = imagecodecs.png_decode(data)
    elif mode.startswith("I;16") or (mode == "I" and image.format == "PPM"):
        pixels = np.asarray(image).astype(np.uint16)
    elif mode in ("I", "F"):
        raise InputError("has 32-bit samples, which have no defined white; save it with 8 or 16 bits")
    else:
        mode = {"1": "L", "L": "L", "LA": "LA", "CMYK": "CMYK", "LAB": "LAB"}.get(mode, "RGB")
        if image.has_transparency_data:
            mode = "LA" if mode in ("L", "LA") else "RGBA"
        pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    if mode == "CMYK":
        return pixels, "cmyk", None
    if mode == "LAB":  # Pillow returns a and b signed
        return pixels ^ np.array([0, 128, 128], np.uint8), "lab", None
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    space, colours = ("gray", 1) if pixels.shape[2] < 3 else ("rgb", 3)
    return pixels[..., :colours], space, pixels[..., colours] if pixels.shape[2] > colours else None
