"""Small files that are made to exhaust memory or time are refused, or read without what is too large."""

import struct
import zlib

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
