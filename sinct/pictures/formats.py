"""The kinds of picture files that are read and written: the one table for readers, outputs, batches and the manual.

`python -m sinct.pictures.manual` makes the table of the manual from it.
"""

from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of picture file.

    Attributes:
        name: what people call it.
        suffixes: of its files, in lower case; the first is the usual one.
        read: bits per channel that are kept in reading; empty if it is not read.
        write: bits per channel that can be written; empty if it is not written.
        in_rows: what reads it above the memory budget: "libvips", "tifffile", or "at once" if it is decoded whole.
        written_in_rows: whether it can be written above the memory budget.
        extra: extra of sinct that is needed to read it.
        pillow: Pillow's name for it, if Pillow may open it.
        note: what else there is to say.
    """

    name: str
    suffixes: tuple[str, ...]
    read: tuple[int, ...]
    write: tuple[int, ...] = ()
    in_rows: str = "at once"
    written_in_rows: bool = False
    extra: str = ""
    pillow: str = ""
    note: str = ""


KINDS = (
    Kind("PNG", (".png",), (8, 16), (8, 16), "libvips", True, pillow="PNG", note="written without loss"),
    Kind(
        "JPEG",
        (".jpg", ".jpeg", ".jpe", ".jfif"),
        (8, 16),
        (8,),
        "libvips",
        True,
        pillow="JPEG",
        note="written at quality 95, 4:4:4; lossless ones and those of 12 bits are read at once",
    ),
    Kind(
        "TIFF",
        (".tif", ".tiff"),
        (8, 16),
        (8, 16),
        "libvips, tifffile",
        True,
        pillow="TIFF",
        note="written without loss; floating point is read at once",
    ),
    Kind("WebP", (".webp",), (8,), (8,), pillow="WEBP", note="written without loss"),
    Kind("JPEG XL", (".jxl",), (8, 16), (8, 16), note="written without loss"),
    Kind("AVIF", (".avif",), (8, 16), (8,), pillow="AVIF", note="written with loss, at quality 95, 4:4:4"),
    Kind("Deep Zoom", (".dzi",), (), (8,), written_in_rows=True, note="tiles are JPEGs at quality 90"),
    Kind("HEIC", (".heic", ".heif", ".hif"), (8, 16), extra="heic"),
    Kind(
        "camera raw",
        (".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".rw2", ".orf", ".pef"),
        (16,),
        extra="raw",
    ),
    Kind("Photoshop", (".psd", ".psb"), (8, 16), extra="psd", note="the composite of its layers"),
    Kind("GIF", (".gif",), (8,), pillow="GIF"),
    Kind("BMP", (".bmp", ".dib"), (8,), pillow="BMP"),
    Kind("PPM", (".ppm", ".pgm", ".pbm", ".pnm"), (8, 16), pillow="PPM", note="16 bits in grey"),
    Kind("JPEG 2000", (".jp2", ".j2k", ".jpx", ".j2c"), (8, 16), pillow="JPEG2000"),
    Kind("QOI", (".qoi",), (8,), pillow="QOI"),
    Kind("SGI", (".sgi",), (8,), pillow="SGI"),
    Kind("PCX", (".pcx",), (8,), pillow="PCX"),
    Kind("DDS", (".dds",), (8,), pillow="DDS"),
    Kind("TGA", (".tga",), (8,), pillow="TGA"),  # which has no mark: Pillow must try it last
)

READ_SUFFIXES = tuple(suffix for kind in KINDS if kind.read for suffix in kind.suffixes)
"""Suffixes of the files that count as pictures."""

WRITE_SUFFIXES = tuple(suffix for kind in KINDS if kind.write for suffix in kind.suffixes)
"""Suffixes of the files that can be written."""

ROWS_SUFFIXES = tuple(suffix for kind in KINDS if kind.written_in_rows for suffix in kind.suffixes)
"""Suffixes of the files to which pictures of any size can be written."""


def kind_of(suffix: str) -> Kind | None:
    """The kind of files with a suffix, in any case; None if it is not known."""
    return next((kind for kind in KINDS if suffix.lower() in kind.suffixes), None)
