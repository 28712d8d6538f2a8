"""Pictures opened whole or, where memory is too small for that, to be read in rows."""

from pathlib import Path

import torch

from sinct.errors import ConfigError, InputError
from sinct.pictures.decoding import read_header
from sinct.pictures.picture import MAX_PIXELS, Picture, read_picture
from sinct.pictures.rows import Source, open_source, read_shrunk, vips
from sinct.pictures.rows_to_file import SUFFIXES
from sinct.runtime.device import memory
from sinct.runtime.files import StrPath

DEFAULT_MEMORY = 1_500_000_000
"""Bytes that sinct takes for a picture where nothing is said, or half of what is free if that is less."""

IN_MEMORY = 64
"""Bytes a pixel that reading, translating and writing a picture in memory takes, beside the windows."""

FIXED = 700_000_000
"""Bytes of the process itself with torch, and of windows of the usual size."""


def open_picture(path: StrPath, output: Path, max_memory: int | None) -> Picture | Source:
    """Read a picture whole, or look at it where it has to be read and written in rows.

    Args:
        path: of the picture.
        output: that its translation will be written to.
        max_memory: bytes for the process, as the caller asked.

    Raises:
        InputError: it is missing, damaged or of no kind that can be read.
        ConfigError: `max_memory` is below one byte.
    """
    if max_memory is not None and max_memory < 1:
        raise ConfigError(f"`max_memory` must be above 0 bytes, got {max_memory}")
    try:
        size = read_header(path).size
    except (InputError, OSError):
        return read_picture(path)  # says what is wrong with it
    if not must_stream(size, output, max_memory):
        return read_picture(path)
    try:
        return open_source(path)
    except InputError:
        # Kinds of files that only Pillow reads: whole, unless that would break what was asked for.
        if max_memory is None and size[0] * size[1] <= MAX_PIXELS and output.suffix.lower() != ".dzi":
            return read_picture(path)
        raise


def in_memory(source: Picture | Source, pixels: int) -> Picture:
    """The picture itself, or one of at most so many pixels made from a file that is read in rows."""
    if isinstance(source, Picture):
        return source
    header = source.header
    return Picture(read_shrunk(source, pixels), None, source.bits, header.dpi, header.exif, source.sha256)


def memory_budget(asked: int | None) -> int:
    """Bytes that a translation may take: as asked, else `DEFAULT_MEMORY` or half of what is free."""
    if asked is not None:
        return asked
    room = memory(torch.device("cpu"))
    return min(DEFAULT_MEMORY, room.free // 2) if room else DEFAULT_MEMORY


def must_stream(size: tuple[int, int], output: Path, max_memory: int | None) -> bool:
    """Whether a picture has to be read and written in rows: it is too large for the budget, or tiles are asked for.

    Where nothing is said about memory, pictures are translated in memory as far as they are read at all when pyvips
    is not installed or the output cannot be written in rows.

    Args:
        size: width and height in pixels.
        output: that will be written.
        max_memory: bytes, as a person asked.
    """
    pixels = size[0] * size[1]
    if output.suffix.lower() == ".dzi" or pixels > MAX_PIXELS:
        return True
    fits = pixels * IN_MEMORY + FIXED <= memory_budget(max_memory)
    if fits or max_memory is not None:
        return not fits
    try:
        vips()
    except InputError:
        return False
    return output.suffix.lower() in SUFFIXES
