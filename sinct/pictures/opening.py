"""Opens pictures whole or, if memory is too small for that, for reading in rows."""

from pathlib import Path

import torch

from sinct.errors import ConfigError, InputError
from sinct.pictures.decoding import read_header
from sinct.pictures.formats import ROWS_SUFFIXES
from sinct.pictures.limits import MAX_PIXELS
from sinct.pictures.picture import Picture, read_picture
from sinct.pictures.rows import Source, check_memory, open_source, read_shrunk, vips
from sinct.runtime.device import memory
from sinct.runtime.files import StrPath

DEFAULT_MEMORY = 1_500_000_000
"""Bytes that sinct uses for a picture by default; half the free memory if that is less."""

IN_MEMORY = 64
"""Bytes a pixel for reading, translating and writing a picture in memory, besides the windows."""

FIXED = 700_000_000
"""Bytes for the process itself with torch, and for windows of the usual size."""


def open_picture(path: StrPath, output: Path, max_memory: int | None) -> Picture | Source:
    """Read a picture whole, or only its header if it has to be read and written in rows.

    Args:
        path: the picture file.
        output: file for its translation.
        max_memory: bytes that the process may use; None for the default.

    Raises:
        InputError: it is missing, damaged or not of a readable kind.
        ConfigError: `max_memory` is below one byte.
    """
    if max_memory is not None and max_memory < 1:
        raise ConfigError(f"`max_memory` must be above 0 bytes, got {max_memory}")
    try:
        size = read_header(path).size
    except (InputError, OSError):
        return read_picture(path)  # will say what is wrong with it
    if not must_stream(size, output, max_memory):
        return read_picture(path)
    try:
        if max_memory is not None:
            check_memory(path, max_memory)
        return open_source(path)
    except InputError:
        # A file that only Pillow reads is read whole, unless that would exceed the memory asked for.
        if max_memory is None and size[0] * size[1] <= MAX_PIXELS and output.suffix.lower() != ".dzi":
            return read_picture(path)
        raise


def in_memory(source: Picture | Source, pixels: int) -> Picture:
    """The picture itself, or a version of at most `pixels` pixels if its file is read in rows."""
    if isinstance(source, Picture):
        return source
    header = source.header
    return Picture(
        read_shrunk(source, pixels), None, source.bits, header.dpi, header.exif, source.sha256,
        space=source.space, profile=source.profile,
    )  # fmt: skip


def memory_budget(asked: int | None) -> int:
    """Bytes that a translation may take: those asked for, else `DEFAULT_MEMORY` or half the free memory if less."""
    if asked is not None:
        return asked
    room = memory(torch.device("cpu"))
    return min(DEFAULT_MEMORY, room.free // 2) if room else DEFAULT_MEMORY


def must_stream(size: tuple[int, int], output: Path, max_memory: int | None) -> bool:
    """Whether a picture has to be read and written in rows: it exceeds the budget, or the output is a .dzi.

    If `max_memory` is None, and pyvips is not installed or the output's format cannot be written in rows, pictures up
    to `MAX_PIXELS` are translated in memory.

    Args:
        size: width and height in pixels.
        output: file to write.
        max_memory: bytes that the process may use; None for the default.
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
    return output.suffix.lower() in ROWS_SUFFIXES
