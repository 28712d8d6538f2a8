"""Adds EXIF data to a finished TIFF of any size without rewriting its picture.

EXIF and GPS data are directories of tags within tags, which neither libvips nor tifffile writes.
"""

import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

from PIL.TiffImagePlugin import ImageFileDirectory_v2

Entries = dict[int, bytes]
"""Tag -> its entry as stored; a value too large for the entry lies elsewhere in the file, at an absolute offset."""


def add_tags(file: BinaryIO, tags: Mapping[int, Any]) -> None:
    """Add tags to the first directory of a TIFF or BigTIFF.

    A new first directory is appended to the file, and the header is changed to point to it. The old directory's
    entries are copied unchanged, since the data they point to stay in place.

    Args:
        file: open for reading and writing; an interruption leaves it unusable.
        tags: tag number -> value, or a nested dictionary of tags (EXIF, GPS).
    """
    file.seek(0)
    header = file.read(16)
    layout = _Layout(header)
    file.seek(layout.first_at)
    [first] = struct.unpack(layout.offset, file.read(struct.calcsize(layout.offset)))
    file.seek(first)
    entries, following = layout.read(file)

    added = ImageFileDirectory_v2(header[: layout.header])
    for tag, value in tags.items():
        added[tag] = value
    start = _padded_end(file)
    file.write(added.tobytes(start))
    file.seek(start)
    entries = {**entries, **layout.read(file)[0]}

    start = _padded_end(file)
    file.write(struct.pack(layout.count, len(entries)))
    file.write(b"".join(entries[tag] for tag in sorted(entries)))
    file.write(following)
    file.seek(layout.first_at)
    file.write(struct.pack(layout.offset, start))


class _Layout:
    """How directories are stored: byte order, and whether offsets have 4 or 8 bytes."""

    def __init__(self, header: bytes) -> None:
        order = "<" if header[:2] == b"II" else ">"
        big = struct.unpack(f"{order}H", header[2:4]) == (43,)
        self.count, self.offset = (f"{order}Q", f"{order}Q") if big else (f"{order}H", f"{order}L")
        self.entry, self.tag = (20 if big else 12), f"{order}H"
        self.header, self.first_at = (16, 8) if big else (8, 4)

    def read(self, file: BinaryIO) -> tuple[Entries, bytes]:
        """The directory at the file's position, and the stored offset of the next one."""
        [count] = struct.unpack(self.count, file.read(struct.calcsize(self.count)))
        entries = [file.read(self.entry) for _ in range(count)]
        following = file.read(struct.calcsize(self.offset))
        return {struct.unpack(self.tag, entry[:2])[0]: entry for entry in entries}, following


def _padded_end(file: BinaryIO) -> int:
    """Pad the file to a multiple of 8 bytes, for the alignment of directories, and go to its end."""
    end = file.seek(0, 2)
    file.write(b"\0" * (-end % 8))
    return end + -end % 8
