"""Small files that are made to exhaust memory or time are refused, or read without what is too large."""

import struct
import time
import zlib
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from sinct.errors import InputError
from sinct.pictures.limits import CHUNKS
from sinct.pictures.picture import read_picture, read_provenance
from sinct.pictures.rows import open_source
from tests.support.picture_files import chunk, png, samples, saved


@pytest.mark.parametrize("read", [read_picture, open_source])
def test_huge_picture_in_few_bytes_is_refused(read, tmp_path):
    path = tmp_path / "bomb.png"
    small = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    path.write_bytes(
        png(samples(1, 1, 3)).replace(
            small, chunk(b"IHDR", struct.pack(">IIBBBBB", 10000, 10000, 8, 2, 0, 0, 0))
        )
    )
    with pytest.raises(InputError, match=r"claims 10000x10000 px in only \d+ bytes"):
        read(path)


def test_many_chunks_are_refused(tmp_path):
    path = tmp_path / "chunks.png"
    path.write_bytes(png(samples(1, 1, 3), chunk(b"teSt", b"") * (CHUNKS + 1)))
    with pytest.raises(InputError, match="has more than 10,000 chunks"):
        read_picture(path)


def test_texts_that_unpack_to_much_are_skipped(tmp_path):
    path = tmp_path / "texts.png"
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes([65]) * 999_000))
    path.write_bytes(png(samples(1, 1, 3), text * 200))
    assert read_picture(path).pixels.shape == (3, 1, 1)


def test_xmp_with_entities_is_refused(tmp_path):
    path = tmp_path / "laughs.webp"
    packet = b'<!DOCTYPE x [<!ENTITY a "ha">]><x xmlns:s="urn:sinct:" s:provenance="{}">&a;</x>'
    path.write_bytes(saved(Image.fromarray(np.zeros((4, 4, 3), np.uint8)), "WEBP", xmp=packet))
    with pytest.raises(InputError, match="XMP with a document type"):
        read_provenance(path)


LONG = 300_000_000
"""Bytes that a small compressed chunk unpacks to."""

ENTITIES = (
    b'<!DOCTYPE OME [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(
        b'<!ENTITY %c "%s">' % (after, b"&%c;" % before * 10)
        for before, after in zip(b"abcdefgh", b"bcdefghi", strict=True)
    )
    + b']><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image>&i;</Image></OME>\0'
)
"""A document that unfolds to a gigabyte."""


def tag(code: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHII", code, kind, count, value)


def directory(after: int, *more: bytes, rows: int = 2) -> bytes:
    """Tags of a grey TIFF of 2x2 px whose pixels are at byte 8, and where the next directory is."""
    tags = [
        tag(256, 3, 1, 2), tag(257, 3, 1, 2), tag(258, 3, 1, 8), tag(259, 3, 1, 1), tag(262, 3, 1, 1),
        tag(273, 4, 1, 8), tag(277, 3, 1, 1), tag(278, 3, 1, rows), tag(279, 4, 1, 4), *more,
    ]  # fmt: skip
    return struct.pack("<H", len(tags)) + b"".join(sorted(tags)) + struct.pack("<I", after)


def tiff(*parts: bytes, first: int = 12) -> bytes:
    return b"II*\0" + struct.pack("<I", first) + b"\1\2\3\4" + b"".join(parts)


def jpeg(segments: bytes) -> bytes:
    plain = saved(Image.fromarray(samples(4, 4, 3)), "JPEG")
    return plain[:2] + segments + plain[2:]


SIZE = len(directory(0))
BOMBS = {
    "profile.png": png(samples(2, 2, 3), chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(LONG)))),
    "itxt.png": png(
        samples(2, 2, 3), chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(LONG)))
    ),
    "ztxt.png": png(samples(2, 2, 3), chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(LONG)))),
    "loop.tif": tiff(directory(12)),
    "chain.tif": tiff(*(directory(12 + (number + 1) * SIZE) for number in range(20_000)), directory(0)),
    "no-rows.tif": tiff(directory(0, rows=0)),
    "entities.tif": tiff(ENTITIES, directory(0, tag(270, 2, len(ENTITIES), 12)), first=12 + len(ENTITIES)),
    "segments.jpg": jpeg(b"\xff\xe5\0\4xx" * 20_000),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("read", [read_picture, open_source, read_provenance])
@pytest.mark.parametrize("name", BOMBS)
def test_file_that_is_made_to_exhaust_time_is_done_with_within_a_second(name, read, tmp_path):
    path = tmp_path / name
    path.write_bytes(BOMBS[name])
    began = time.process_time()
    with suppress(InputError):
        read(path)
    assert time.process_time() - began < 2
