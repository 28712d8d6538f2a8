"""Reads the boxes of AVIF and JPEG 2000 files, which say what their colours mean."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from sinct.pictures.colour_tags import Cicp


class Depth(NamedTuple):
    """A component of a JPEG 2000 picture: bits, whether it is signed, and its step across and down in pixels."""

    bits: int
    signed: bool
    across: int
    down: int


def avif_codes(data: bytes) -> Cicp | None:
    """The code points of an AVIF's colours once they are decoded to RGB of full range; None if it has none."""
    for meta in boxes(data, b"meta"):
        for container in boxes(meta[4:], b"iprp", b"ipco"):
            for colour in boxes(container, b"colr"):
                if colour[:4] == b"nclx" and len(colour) >= 11:
                    primaries, transfer = struct.unpack(">HH", colour[4:8])
                    return Cicp(primaries, transfer, matrix=0, full=True)
    return None


def avif_bits(data: bytes) -> int:
    """Bits per sample of an AVIF, 8, 10 or 12."""
    deepest = 8
    for meta in boxes(data, b"meta"):
        for config in boxes(meta[4:], b"iprp", b"ipco", b"av1C"):
            high, twelve = (config[2] >> shift & 1 for shift in (6, 5)) if len(config) > 2 else (0, 0)
            deepest = max(deepest, 8 + 2 * high + 2 * (high & twelve))
    return deepest


def jpeg2000_profile(data: bytes) -> bytes | None:
    """The ICC profile of a JPEG 2000 file; None if it has none."""
    for colour in boxes(data, b"jp2h", b"colr"):
        if colour[:1] in (b"\2", b"\3"):
            return colour[3:]
    return None


def jpeg2000_space(data: bytes) -> int | None:
    """The code of a JPEG 2000 file's colour space: 16 sRGB, 17 grey, 18 YCC; None if it does not say."""
    for colour in boxes(data, b"jp2h", b"colr"):
        if colour[:1] == b"\1" and len(colour) >= 7:
            return int.from_bytes(colour[3:7], "big")
    return None


def jpeg2000_depths(data: bytes) -> list[Depth]:
    """The components of a JPEG 2000 picture; empty if it does not say."""
    start = data.find(b"\xff\x4f\xff\x51") + 2  # the codestream begins with its sizes
    if start < 2 or len(data) < start + 40:
        return []
    count = int.from_bytes(data[start + 38 : start + 40], "big")
    entries = data[start + 40 : start + 40 + 3 * count]
    return [
        Depth((kind & 127) + 1, kind >= 128, across, down)
        for kind, across, down in struct.iter_unpack("3B", entries[: len(entries) // 3 * 3])
    ]


def boxes(data: bytes, kind: bytes, *inner: bytes) -> Iterator[bytes]:
    """The contents of the boxes of a kind, or of those within them."""
    start = 0
    while start + 8 <= len(data):
        size, found = struct.unpack(">I4s", data[start : start + 8])
        head = 8
        if size == 1:
            size, head = int.from_bytes(data[start + 8 : start + 16], "big"), 16
        stop = start + size if size else len(data)
        if stop < start + head:
            return
        if found == kind:
            content = data[start + head : stop]
            if inner:
                yield from boxes(content, *inner)
            else:
                yield content
        start = stop
