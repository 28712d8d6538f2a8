"""Decodes TIFFs of floating-point samples, as linear light of which 1.0 is white, and says what else is not read."""

from typing import Any, BinaryIO

import numpy as np
from tifffile import SAMPLEFORMAT

from sinct.errors import InputError
from sinct.pictures.colour import Array
from sinct.pictures.stored import SEVERAL, Opened, Samples
from sinct.pictures.tiff_decoding import (
    Layout,
    check_page,
    has_more,
    layout_of,
    opened_tiff,
    page_samples,
    tiff_dpi,
    tiff_exif,
)

UNREAD = {
    b"v/1\1": "an OpenEXR picture",
    b"#?RADIANCE": "a Radiance HDR picture",
    b"#?RGBE": "a Radiance HDR picture",
}
"""Marks of pictures of light without a defined white, which are refused by name."""


def open_float(file: BinaryIO) -> Opened | None:
    """Open a TIFF of floating-point samples without decoding it; None for all other files.

    Without a profile its samples are linear light in the primaries of sRGB, 1.0 for white, and get sRGB's curve. What
    is brighter is cut off.

    Raises:
        InputError: it is an OpenEXR or a Radiance HDR, or its kind of TIFF is not read. The caller must put the
            file's name before the message.
    """
    file.seek(0)
    start = file.read(16)
    for mark, kind in UNREAD.items():
        if start.startswith(mark):
            raise InputError(
                f"is {kind}, which is not read; set its exposure and save it as PNG or TIFF with 16 bits"
            )
    tiff = opened_tiff(file)
    if tiff is None or tiff.pages.first.sampleformat != SAMPLEFORMAT.IEEEFP:
        return None
    page: Any = tiff.pages.first
    check_page(page, tiff.filehandle.size)
    known = page.bitspersample in (16, 24, 32, 64)
    layout = layout_of(page, floating=True) if known else None
    if layout is None:
        raise InputError(f"has floating-point samples of {page.bitspersample} bits; save it with 16 bits")
    taken = "in floating point" if page.iccprofile else "in floating point, and taken as linear light"
    return Opened(
        size=(page.imagewidth, page.imagelength),
        profile=page.iccprofile,
        read_exif=lambda: tiff_exif(tiff),
        dpi=tiff_dpi(page),
        remarks=[
            f"it is {taken}: what is brighter than white (1.0) is cut off",
            *([SEVERAL] if has_more(tiff) else []),
        ],
        samples=lambda: _samples(page, layout),
    )


def _samples(page: Any, layout: Layout) -> Samples:
    pixels = page_samples(page).astype(np.float32)
    colour, alpha = layout.arranged(pixels)
    if not np.isfinite(colour).all():
        raise InputError("has samples that are no numbers, or infinite; save it with 16 bits")
    outside = float(((colour < 0) | (colour > 1)).mean())
    if outside > 0.5:
        raise InputError(
            f"has floating-point samples from {colour.min():g} to {colour.max():g}, most of which are outside of 0 to "
            "1; scale them so that 1.0 is white, or save it with 16 bits"
        )
    light = colour.clip(0, 1)
    signal = light if page.iccprofile else _srgb_signal(light)
    opacity = None if alpha is None else _deep(np.nan_to_num(alpha).clip(0, 1))
    return _deep(signal), layout.space, opacity


def _srgb_signal(light: Array) -> Array:
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** np.float32(1 / 2.4) - 0.055)


def _deep(values: Array) -> Array:
    return np.rint(values * np.float64(65535)).astype(np.uint16)
