"""Decodes TIFFs with tifffile: 8 and 16 bits in any layout. Pillow knows few of these and keeps 8 bits."""

import io
import math
from typing import Any

import numpy as np
import tifffile
from PIL import Image
from tifffile import EXTRASAMPLE, PHOTOMETRIC, RESUNIT, SAMPLEFORMAT

from sinct.errors import InputError
from sinct.pictures.colour import Array
from sinct.pictures.stored import Stored, check_size, make_stored

TIFF_SPACES = {
    PHOTOMETRIC.MINISWHITE: ("gray", 1),
    PHOTOMETRIC.MINISBLACK: ("gray", 1),
    PHOTOMETRIC.RGB: ("rgb", 3),
    PHOTOMETRIC.SEPARATED: ("cmyk", 4),
}
"""Colour space and samples per pixel of the TIFFs that are read with tifffile: those that need no conversion."""


def decode_tiff(data: bytes, max_pixels: int) -> Stored | None:
    """Decode a TIFF; None leaves the file to Pillow.

    Raises:
        InputError: the file cannot be used.
    """
    if data[:2] not in (b"II", b"MM"):
        return None
    try:
        tiff = tifffile.TiffFile(io.BytesIO(data))
    except Exception:  # not a TIFF, or a damaged one: Pillow will tell
        return None
    with tiff:
        page = tiff.pages.first
        bits, kind = page.bitspersample, page.photometric
        check_size(page.imagewidth, page.imagelength, max_pixels)
        if page.is_reduced:
            raise InputError("begins with a preview, like a camera's raw file; export a full TIFF or PNG")
        if not is_whole(page, len(data)):
            raise InputError("is damaged or cut off (missing strips); copy the whole file again")
        readable = kind in TIFF_SPACES and bits in (8, 16)
        if not readable and bits <= 8:
            return None
        if not readable or page.sampleformat != SAMPLEFORMAT.UINT:
            raise InputError(
                f"has {bits}-bit samples ({SAMPLEFORMAT(page.sampleformat).name}, {PHOTOMETRIC(kind).name}); "
                "save it with unsigned 8 or 16 bits in grey, RGB or CMYK"
            )
        return make_stored(
            *_tiff_samples(page),
            profile=page.iccprofile,
            read_exif=lambda: _tiff_exif(tiff, data),
            dpi=tiff_dpi(page),
            several=any(not page.aspage().is_reduced for page in tiff.pages[1:2]),  # a pyramid is one picture
        )


def is_whole(page: tifffile.TiffPage, file_size: int) -> bool:
    """Whether every strip or tile is present; decoders tolerate missing ones and leave them black."""
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    return len(segments) == math.prod(page.chunked) and all(
        offset > 0 and count > 0 and offset + count <= file_size for offset, count in segments
    )


def _tiff_exif(tiff: tifffile.TiffFile, data: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.bigtiff, exif.endian = tiff.is_bigtiff, tiff.byteorder
    exif.load_from_fp(io.BytesIO(data), tiff.pages.first.offset)
    return exif


def tiff_dpi(page: Any) -> tuple[float, float] | None:
    """Pixels per inch along the width and along the height; None if the page does not say."""
    known = "XResolution" in page.tags and page.resolutionunit in (RESUNIT.INCH, RESUNIT.CENTIMETER)
    return page.get_resolution(RESUNIT.INCH) if known else None


def _tiff_samples(page: Any) -> tuple[Array, str, Array | None]:
    pixels = page.asarray()
    if page.axes == "SYX":  # one plane after the other
        pixels = np.moveaxis(pixels, 0, 2)
    pixels = pixels.reshape(page.imagelength, page.imagewidth, -1)
    space, colours = TIFF_SPACES[page.photometric]
    if pixels.shape[2] < colours:
        raise InputError(f"has {pixels.shape[2]} samples per pixel, too few for {space}; save it as RGB")

    colour, alpha = pixels[..., :colours], None
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        colour = np.iinfo(pixels.dtype).max - colour
    extra = [*page.extrasamples, EXTRASAMPLE.UNASSALPHA][0]  # old files do not say what an extra sample means
    if pixels.shape[2] > colours and extra != EXTRASAMPLE.UNSPECIFIED:
        alpha = pixels[..., colours]
        if extra == EXTRASAMPLE.ASSOCALPHA:
            colour = _unpremultiplied(colour, alpha)
    return colour, space, alpha


def _unpremultiplied(colour: Array, alpha: Array) -> Array:
    top = np.iinfo(colour.dtype).max
    straight = colour * (np.float32(top) / np.maximum(alpha, 1))[..., None]
    return np.rint(straight).clip(max=top).astype(colour.dtype)
