"""Small versions of a batch's pictures, each made once and kept in the batch's folder until its file changes."""

import hashlib
import json
from pathlib import Path

from sinct.batch import storage
from sinct.errors import InputError
from sinct.pictures.glance import read_small
from sinct.report.page import write_text
from sinct.report.pictures import embed_thumbnail, to_image
from sinct.runtime.files import unwritable

SIDE = 240
"""Longer side of a thumbnail, in pixels; a photo's is half as long."""


def kept_thumbnail(folder: Path, place: str, side: int = SIDE) -> str | None:
    """Data URI of a thumbnail that was made before; None if there is none.

    Args:
        folder: the batch's folder.
        place: path of the picture.
        side: longer side of the thumbnail, in pixels.

    Raises:
        InputError: the picture is missing or not readable.
    """
    try:
        return _path(folder, place, side).read_text(encoding="ascii")
    except (OSError, ValueError):
        return None


def thumbnail(folder: Path, place: str, side: int = SIDE) -> str:
    """Data URI of a JPEG, made unless it is kept; see `kept_thumbnail`.

    Raises:
        InputError: the picture cannot be read.
        OutputError: the folder cannot be written to.
    """
    kept = kept_thumbnail(folder, place, side)
    if kept is not None:
        return kept
    path = _path(folder, place, side)
    picture = to_image(read_small(Path(place), 2 * side))  # halved by a sharper filter
    made = embed_thumbnail(picture, max(1, round(side * picture.width / max(picture.size))))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path.parent, error) from None
    write_text(path, made)
    return made


def _path(folder: Path, place: str, side: int) -> Path:
    if storage.is_remote(place):
        raise InputError(f"{place} is not on this machine")
    mark = json.dumps([place, storage.stamp(place), side])
    return folder / ".sinct" / "thumbnails" / f"{hashlib.sha256(mark.encode()).hexdigest()[:32]}.txt"
