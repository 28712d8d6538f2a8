"""The EXIF data that remain true for a picture made from another."""

from typing import Any

from PIL.ExifTags import IFD, Base
from PIL.Image import Exif

TEXTS = (
    Base.ImageDescription,
    Base.Make,
    Base.Model,
    Base.DateTime,
    Base.Artist,
    Base.HostComputer,
    Base.Copyright,
    Base.XPTitle,
    Base.XPComment,
    Base.XPAuthor,
    Base.XPKeywords,
    Base.XPSubject,
)
"""Main tags to keep; the others concern the old file's layout, size, resolution, colours and software."""

STALE = (
    Base.ColorSpace,
    Base.ExifImageWidth,
    Base.ExifImageHeight,
    Base.ExifInteroperabilityOffset,
    Base.MakerNote,  # holds offsets into the old file
)
"""Camera tags that would be wrong in a new file."""


def orientation_in(exif: Exif) -> int:
    """How to turn the picture, 1 to 8; 1, upright, if the tag is missing or invalid."""
    orientation: Any = exif.get(Base.Orientation)
    return int(orientation) if orientation in range(1, 9) else 1


def lasting_tags(exif: Exif) -> dict[int, Any]:
    """The tags to keep: texts, and camera and place data as nested dictionaries."""
    camera = exif.get_ifd(IFD.Exif)
    tags: dict[int, Any] = {tag: exif[tag] for tag in TEXTS if tag in exif}
    tags[IFD.Exif] = {tag: value for tag, value in camera.items() if tag not in STALE}
    tags[IFD.GPSInfo] = exif.get_ifd(IFD.GPSInfo)
    return {tag: _as_stored(value) for tag, value in tags.items() if value}


def lasting_block(exif: Exif) -> bytes | None:
    """`lasting_tags` as an EXIF block with orientation 1; None if there are none."""
    tags = lasting_tags(exif)
    if not tags:
        return None
    copy = Exif()
    copy.update({**tags, Base.Orientation: 1})
    return copy.tobytes()


def without_orientation(block: bytes) -> bytes:
    """An EXIF block without its orientation, for encoders that would store it elsewhere and garble texts meanwhile."""
    exif, copy = Exif(), Exif()
    exif.load(block)
    copy.update(lasting_tags(exif))
    return copy.tobytes()


def _as_stored(value: Any) -> Any:
    """Undo Pillow's decoding of all text as Latin-1; writing it as is would turn letters into question marks."""
    if isinstance(value, dict):
        return {tag: _as_stored(part) for tag, part in value.items()}
    return value.encode("latin-1") if isinstance(value, str) and not value.isascii() else value
