"""Examples of every kind of picture file, and all that reads pictures."""

import random
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from sinct.errors import SinctError
from sinct.pictures.decoding import read_header
from sinct.pictures.glance import read_small
from sinct.pictures.picture import read_picture, read_provenance
from sinct.pictures.regions import read_regions
from sinct.pictures.rows import open_source, read_shrunk
from tests.support.odd_pictures import CASES

SUFFIXES = {"jpeg": "jpg", "j2k": "jp2", "pgm": "ppm", "pfm": "ppm", "zero": "tga"}
"""Suffixes of the same kind of file."""


def _suffix(file: str) -> str:
    suffix = file.rpartition(".")[2].lower()
    return SUFFIXES.get(suffix, suffix)


PICTURES: Mapping[str, Sequence[bytes]] = {
    suffix: [case.data for case in CASES.values() if _suffix(case.file) == suffix]
    for suffix in sorted({_suffix(case.file) for case in CASES.values()})
}
"""Suffix -> undamaged files."""


def in_rows(path: Path) -> None:
    """Read a picture as streaming does."""
    source = open_source(path)
    source.remarks()
    read = source.rows()
    for top in range(0, source.height, 500):
        source.pixels(read(top, min(source.height, top + 500)))


def as_regions(path: Path) -> None:
    """Read a picture as a map of regions of a picture of its size."""
    size = 16, 24
    with suppress(SinctError):
        width, height = read_header(path).size
        size = height, width
    read_regions(path, path, painting_size=size, photo_size=size)


WAYS: Mapping[str, Callable[[Path], object]] = {
    "whole": read_picture,
    "header": read_header,
    "small": lambda path: read_small(path, 64),
    "rows": in_rows,
    "shrunk": lambda path: read_shrunk(open_source(path), 100),
    "provenance": read_provenance,
    "regions": as_regions,
}


def mended_png(data: bytes, chance: random.Random) -> bytes:
    """Mostly make the checksums of a PNG's chunks right, so that decoders look at what is in them."""
    if chance.random() < 0.3:
        return data
    result, start = bytearray(data), 8
    while start + 12 <= len(data):
        stop = start + 8 + struct.unpack_from(">I", data, start)[0]
        if stop + 4 > len(data):
            break
        struct.pack_into(">I", result, stop, zlib.crc32(data[start + 4 : stop]))
        start = stop + 4
    return bytes(result)
