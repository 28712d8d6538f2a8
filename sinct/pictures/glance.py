"""A quick look at pictures of any size: whether they can be read, and small versions of them."""

import os
import warnings
from pathlib import Path

import torch.nn.functional as F
from torch import Tensor

from sinct.errors import InputError
from sinct.pictures.decoding import read_header
from sinct.pictures.limits import MAX_PIXELS
from sinct.pictures.picture import read_picture
from sinct.pictures.rows import open_source, read_shrunk
from sinct.runtime.files import irregular, printable

ROWS_ABOVE = 16_000_000
"""Pixels above which a picture is read in rows if possible: reading it whole takes 12 bytes a pixel or more."""

SHRUNK = 4_000_000
"""Most pixels of such a picture after shrinking; enough for a small version."""

ENDS = ((b"\xff\xd8", b"\xff\xd9"), (b"\x89PNG", b"IEND"))
"""How JPEG and PNG begin, and what stands at their end."""

TAIL = 1024
"""Bytes at a file's end in which that is looked for."""


def sound_size(path: Path) -> tuple[int, int]:
    """Width and height of a picture that can be read, as far as its header and its end tell.

    A JPEG or PNG whose end is missing may still be whole, so it alone is read to find out.

    Raises:
        InputError: the file is missing, no picture, or damaged; the message starts with its name.
    """
    if irregular(path):
        raise InputError(f"{printable(path)} is a pipe or a device; save it as a file first")
    try:
        width, height = read_header(path).size
        if not _lacks_end(path) or width * height > MAX_PIXELS:
            return width, height
    except (InputError, OSError):
        pass  # reading it whole will say what is wrong with it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the job that uses the picture reports its oddities
        picture = read_picture(path)
    return picture.width, picture.height


def _lacks_end(path: Path) -> bool:
    """Whether a file begins as a JPEG or PNG, but does not end as one."""
    with open(path, "rb") as file:
        start = file.read(4)
        file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
        tail = file.read()
    return any(start.startswith(first) and last not in tail for first, last in ENDS)


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
