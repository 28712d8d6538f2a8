"""Pictures of any size at a glance: for choosing among them, and for showing them."""

import warnings
from pathlib import Path

import torch.nn.functional as F
from torch import Tensor

from sinct.errors import InputError
from sinct.pictures.decoding import read_header
from sinct.pictures.picture import MAX_PIXELS, read_picture
from sinct.pictures.rows import open_source, read_shrunk

ROWS_ABOVE = 16_000_000
"""Pixels above which a picture is read in rows if it can be: whole, it takes 12 bytes a pixel and more."""

SHRUNK = 4_000_000
"""Pixels that are left of it then, many enough for what is made of them here."""


def read_small(path: Path, side: int, *, least: int = 1) -> Tensor:
    """Read a picture shrunk to a glance.

    Args:
        path: of the file.
        side: of the result in pixels, the longer one; a smaller picture stays as large as it is.
        least: pixels that each side has at least, at the cost of the shape of very narrow pictures.

    Returns:
        (3, H, W) in [-1, 1], sRGB.

    Raises:
        InputError: the file cannot be read, or is so large that only pyvips could read it, which is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the job that uses the picture tells what is odd about it
        pixels = _read_in_rows(path)
        if pixels is None:
            pixels = read_picture(path).pixels
    scale = min(1.0, side / max(pixels.shape[1:]))
    size = [max(least, round(length * scale)) for length in pixels.shape[1:]]
    small: Tensor = F.interpolate(pixels[None], size, mode="bilinear", antialias=True)[0]
    return small.clamp(-1, 1)


def _read_in_rows(path: Path) -> Tensor | None:
    """A picture that is better not read whole, shrunk; None for others."""
    try:
        width, height = read_header(path).size
    except (InputError, OSError):
        return None  # reading it whole says what is wrong with it, and names it
    if width * height <= ROWS_ABOVE:
        return None
    try:
        return read_shrunk(open_source(path), SHRUNK)
    except InputError:
        if width * height <= MAX_PIXELS:
            return None  # pyvips is not installed, or does not know such files
        raise
