"""Picture files to tensors in sRGB and back, with what belongs to them."""

import hashlib
import io
import os
import secrets
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sinct import _decoding, _encoding
from sinct._colour import SRGB_PROFILE, Array, assumed_srgb, to_srgb
from sinct.errors import InputError, OutputError

MAX_PIXELS = 178_956_970
"""Most pixels that are read unless a caller allows more; where Pillow draws its line, too."""

OUTPUT_SUFFIXES = tuple(_encoding.FORMATS)
"""Endings of the files that pictures can be written to, in small letters."""


@dataclass(frozen=True)
class Picture:
    """A picture in sRGB, upright, and what else its file says.

    Attributes:
        pixels: (3, H, W) float32 in [-1, 1], sRGB with its gamma, not multiplied by alpha.
        alpha: (1, H, W) float32 in [0, 1], or None where everything is opaque.
        bits: 8 or 16 per channel, as the file stores them; 8 for fewer.
        dpi: pixels per inch along the width and along the height, or None if the file has none.
        exif: what stays true of the EXIF data: texts, camera and place, with orientation 1 and without
            sizes, thumbnail, colour space and maker note; None if nothing is left.
        sha256: of the file's bytes, in hexadecimal.
    """

    pixels: Tensor
    alpha: Tensor | None
    bits: int
    dpi: tuple[float, float] | None
    exif: bytes | None
    sha256: str


def read_picture(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read the first picture of a file, in sRGB and upright.

    Reads PNG, TIFF, JPEG, WebP, AVIF, JPEG 2000, GIF, BMP and PPM. PNG and TIFF keep their 16 bits, as do
    JPEG 2000 and PPM in grey; the colours of other files come with 8 bits even if more are stored.

    Colour profiles are converted in floating point, with relative colorimetric intent and black point
    compensation: colours that sRGB can show stay as they are, others are clipped. Without a profile, grey
    and RGB are taken for sRGB, CMYK for perfect inks and LAB for CIELAB under D50.

    Args:
        path: of the file.
        max_pixels: most pixels to decode, as a guard against small files that unpack to huge pictures.

    Warns:
        UserWarning: a damaged colour profile or EXIF block is left out, or the file holds more pictures.

    Raises:
        InputError: the file is missing, unreadable, too large, damaged or no picture of these kinds.
    """
    name = _printable(path)
    data = _read(path)
    try:
        stored = _decoding.decode(data, max_pixels)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error.__cause__

    for remark in stored.remarks:
        warnings.warn(f"{name}: {remark}", stacklevel=2)
    try:
        ...
    alpha = None if stored.alpha is None else _to_tensor(stored.alpha[..., None], stored.orientation)
    return Picture(
        pixels=_to_tensor(colours, stored.orientation).mul_(2).sub_(1),
        alpha=None if alpha is None or bool((alpha == 1).all()) else alpha,
        bits=8 * stored.samples.itemsize,
        dpi=stored.dpi,
        exif=stored.exif,
        sha256=hashlib.sha256(data).hexdigest(),
    )
