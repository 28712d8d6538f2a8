"""Reads rows of a TIFF with tifffile, which knows more codecs than the libtiff within libvips.

That one returns black for a codec that it was built without.
"""

from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tifffile
from tifffile import COMPRESSION, PHOTOMETRIC

from sinct.pictures.colour import Array
from sinct.pictures.limits import SEGMENTS
from sinct.pictures.tiff_decoding import COLOURS, SPACES, Layout, channel_pages, layout_of

CODECS = (
    COMPRESSION.NONE,
    COMPRESSION.LZW,
    COMPRESSION.ADOBE_DEFLATE,
    COMPRESSION.DEFLATE,
    COMPRESSION.PACKBITS,
)
"""Codecs that every libtiff has."""

PROVEN = {
    (COMPRESSION.JPEG, PHOTOMETRIC.YCBCR),
    *product(CODECS, (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB, PHOTOMETRIC.SEPARATED)),
}
"""Codecs and kinds of samples on which tests compare libvips with the reader of whole pictures."""


def libvips_agrees(page: Any, layout: Layout) -> bool:
    """Whether libvips reads a page as this package does: only layouts on which tests compare them."""
    return (
        (page.compression, layout.kind) in PROVEN
        and "PhotometricInterpretation" in page.tags
        and page.samplesperpixel == COLOURS[SPACES[layout.kind]]
        and page.planarconfig == tifffile.PLANARCONFIG.CONTIG
        and page.sampleformat == tifffile.SAMPLEFORMAT.UINT
    )


def readable_in_rows(page: Any) -> bool:
    """Whether a page's strips or tiles are small enough to unpack those of some rows at a time."""
    across = -(-page.imagewidth // _width(page)) * _width(page)
    return bool(across * _height(page) * page.samplesperpixel * page.bitspersample // 8 <= SEGMENTS)


def tiff_rows(path: Path) -> tuple[Callable[[int, int], Array], Layout]:
    """Open a TIFF and return a function that reads rows start to stop, (H, W, bands), alpha last; and its layout."""
    with tifffile.TiffFile(path, _multifile=False) as tiff:
        pages = channel_pages(tiff)
        decoders = [partial(page.decode, jpegtables=page.jpegtables) for page in pages]  # read the file once
    layout = layout_of(pages[0])
    assert layout is not None
    if len(pages) == 3:
        layout = layout._replace(space="rgb")

    def read(start: int, stop: int) -> Array:
        with path.open("rb") as file:
            parts = [_stored(file, *page, start, stop) for page in zip(pages, decoders, strict=True)]
        stored = np.concatenate(parts, axis=2)
        colour, alpha = layout.arranged(stored)
        return colour if alpha is None else np.concatenate([colour, alpha[..., None]], axis=2)

    return read, layout


def _stored(file: BinaryIO, page: Any, decode: Callable[..., Any], start: int, stop: int) -> Array:
    """Rows as stored, (H, W, samples)."""
    high, wide = _height(page), _width(page)
    across, down = -(-page.imagewidth // wide), -(-page.imagelength // high)
    planes = page.samplesperpixel if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE else 1
    top = start // high * high
    lines = -(-stop // high) * high - top
    result = np.zeros((lines, across * wide, page.samplesperpixel), page.dtype)
    for plane in range(planes):
        for row in range(top // high, -(-stop // high)):
            for column in range(across):
                index = (plane * down + row) * across + column
                file.seek(page.dataoffsets[index])
                packed = file.read(page.databytecounts[index])
                segment = decode(packed, index)[0][0]
                y, x = row * high - top, column * wide
                place = slice(plane, plane + 1) if planes > 1 else slice(None)
                result[y : y + segment.shape[0], x : x + segment.shape[1], place] = segment
    return result[start - top : stop - top, : page.imagewidth]


def _height(page: Any) -> int:
    return int(page.tilelength or min(page.rowsperstrip, page.imagelength))


def _width(page: Any) -> int:
    return int(page.tilewidth or page.imagewidth)
