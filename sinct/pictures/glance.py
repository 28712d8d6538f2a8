"""Small versions of pictures of any size, for comparing them and for showing them."""

import warnings
from pathlib import Path

import torch.nn.functional as F
from torch import Tensor

from sinct.errors import InputError
from sinct.pictures.decoding import read_header
from sinct.pictures.limits import MAX_PIXELS
from sinct.pictures.picture import read_picture
from sinct.pictures.rows import open_source, read_shrunk

ROWS_ABOVE = 16_000_000
"""Pixels above which a picture is read in rows if possible: reading it whole takes 12 bytes a pixel or more."""

SHRUNK = 4_000_000
"""Most pixels of such a picture after shrinking; enough for a small version."""


def read_small(path: Path, side: int, *, least: int = 1) -> Tensor:
    """Read a picture at a small size.

    Args:
        path: the picture file.
        side: longer side of the result, in pixels; a smaller picture keeps its size.
        least: shortest side of the result, in pixels; very narrow pictures are distorted to have it.

    Returns:
        (3, H, W) in [-1, 1], sRGB.

    Raises:
        InputError: the file cannot be read, or is so large that only pyvips could read it, which is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the job that uses the picture reports its oddities
        pixels = _read_in_rows(path)
        if pixels is None:
            pixels = read_picture(path).seen
    scale = min(1.0, side / max(pixels.shape[1:]))
    size = [max(least, round(length * scale)) for length in pixels.shape[1:]]
    small: Tensor = F.interpolate(pixels[None], size, mode="bilinear", antialias=True)[0]
    return small.clamp(-1, 1)


def _read_in_rows(path: Path) -> Tensor | None:
    """Read a very large picture shrunk; None for all others."""
    try:
        width, height = read_header(path).size
    except (InputError, OSError):
        return None  # reading it whole will say what is wrong with it
    if width * height <= ROWS_ABOVE:
        return None
    try:
        return read_shrunk(open_source(path), SHRUNK)
    except InputError:
        if width * height <= MAX_PIXELS:
            return None  # pyvips is not installed, or cannot read such files
        raise
