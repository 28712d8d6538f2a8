"""Decodes the bytes of a picture file to samples: formats, bit depths, transparency, orientation, EXIF."""

import io
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from sinct.errors import InputError
from sinct.pictures.colour_tags import Profile
from sinct.pictures.float_decoding import open_float
from sinct.pictures.formats import KINDS
from sinct.pictures.heif_decoding import open_heif
from sinct.pictures.jpeg_decoding import open_deep_jpeg
from sinct.pictures.jxl_decoding import open_jxl
from sinct.pictures.pillow_decoding import decode_by_pillow, has_several, opened_image, profile_of
from sinct.pictures.png import decode_png, is_png, png_exif, read_png_header
from sinct.pictures.psd_decoding import open_psd
from sinct.pictures.raw_decoding import open_raw
from sinct.pictures.stored import SEVERAL, Opened, Stored, check_size, make_stored
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

# They log remarks about odd files; without a handler Python prints them.
for _library in ("imagecodecs", "tifffile", "psd_tools", "PIL"):
    logging.getLogger(_library).addHandler(logging.NullHandler())


NAMES = [kind.name for kind in KINDS if kind.read and not kind.extra]

OPENERS = (open_jxl, open_heif, open_psd, open_raw, open_float, open_deep_jpeg)
"""Each opens files of one kind, without decoding them, and returns None for all others."""


class Header(NamedTuple):
    """What a picture file's header says about it.

    Attributes:
        size: width and height of the upright picture, in pixels.
        profile: ICC profile or what stands for one, or None.
        exif: EXIF block to carry over, or None.
        dpi: pixels per inch along the width and along the height, or None.
        orientation: how the stored picture must be turned, 1 to 8; see `sinct.pictures.stored.upright`.
        remarks: what a user should know about the file.
    """

    size: tuple[int, int]
    profile: Profile | None
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
        opened = open_apart(file)
        if opened is not None:
            return _header(opened.size, opened.profile, opened.read_exif, opened.dpi, opened.remarks)
        tiff = opened_tiff(file)
        if tiff is not None:
            page = tiff.pages.first
            check_page(page, os.fstat(file.fileno()).st_size)
            layout_of(page)
            size = page.imagewidth, page.imagelength
            more = [SEVERAL] if has_more(tiff) else []
            return _header(size, page.iccprofile, lambda: tiff_exif(tiff), tiff_dpi(page), more)
        image, data = opened_image(file)
        remarks = [SEVERAL] if has_several(image) else []
        profile = profile_of(image, data, remarks)
        return _header(image.size, profile, image.getexif, image.info.get("dpi"), remarks)


def _header(
    size: tuple[int, int],
    profile: Profile | None,
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
        opened = open_apart(io.BytesIO(data))
        if opened is not None:
            check_size(*opened.size, max_pixels)
            return make_stored(
                *opened.samples(),
                profile=opened.profile,
                read_exif=opened.read_exif,
                dpi=opened.dpi,
                several=False,
                remarks=opened.remarks,
            )
        return decode_tiff(data, max_pixels) or decode_by_pillow(data, max_pixels)


def open_apart(file: BinaryIO) -> Opened | None:
    """Open a file of a kind that a decoder of its own reads; None leaves it to Pillow and tifffile."""
    return next((found for open_file in OPENERS if (found := open_file(file)) is not None), None)


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
            f"is not a picture, or damaged at its start; convert it to one of {', '.join(NAMES)}"
        ) from None
    except Image.DecompressionBombError as error:
        raise InputError(
            f"has more than {max_pixels:,} pixels ({error}); give a smaller picture or raise max_pixels"
        ) from None
    except MemoryError:
        raise InputError(
            "needs more memory to decode than there is; give a smaller picture, or copy the whole file again"
        ) from None
    except Exception as error:  # on damaged data decoders raise exceptions of every kind
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"is damaged or cut off ({reason}); copy the whole file again") from error
    finally:
        Image.MAX_IMAGE_PIXELS = limit
