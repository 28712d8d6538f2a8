"""The folder of a comparison of one pair of pictures.

It holds the report (report.html, contact-sheet.png, figure.pdf, figure.svg, table.csv, table.tex), what the report was
made from (results.json, painting.png, photo.png and the pictures in `results`), and `work`, with a folder for each run
of a method.
"""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sinct.errors import OutputError, one_line
from sinct.pictures.picture import Picture, write_picture
from sinct.runtime.files import StrPath, replacing, unwritable
from sinct.runtime.json_files import read_json, write_json
from sinct.runtime.locks import LOCK

REGIONS = ("painting-regions.png", "photo-regions.png")
"""Copies of the region maps, in `work`."""


def begin(folder: Path, source: Picture, target: Picture, hashes: Sequence[str], *, overwrite: bool) -> None:
    """Check that a locked folder belongs to the same pictures; write upright 8-bit sRGB copies of them.

    Raises:
        OutputError: the folder holds something else or cannot be written.
    """
    record = folder / "work" / "pair.json"
    try:
        if any(path.name != LOCK for path in folder.iterdir()):
            if not record.exists():
                raise OutputError(f"{folder} is not empty and holds no comparison; give another `output`")
            if not overwrite and _recorded(record) != list(hashes):
                raise OutputError(
                    f"{folder} holds a comparison of other pictures; give another `output`, or `overwrite=True`"
                )
            if overwrite:
                shutil.rmtree(folder / "work")
                shutil.rmtree(folder / "results", ignore_errors=True)
        record.parent.mkdir(parents=True, exist_ok=True)
        for name, picture in (("painting", source), ("photo", target)):
            write_picture(folder / f"{name}.png", picture.pixels, bits=8, overwrite=True)
        write_json(record, list(hashes))
    except OSError as error:
        raise unwritable(folder, error) from None


def _recorded(record: Path) -> Any:
    """Hashes of the pictures that a folder belongs to.

    Raises:
        OutputError: the record is damaged.
    """
    try:
        return read_json(record)
    except ValueError as error:
        raise OutputError(
            f"{record} is damaged ({one_line(error)}); give another `output`, or `overwrite=True`"
        ) from None


def copied(path: StrPath, copy: Path) -> str:
    """Copy a file and return its SHA-256 in hexadecimal."""
    data = Path(path).read_bytes()
    with replacing(copy) as temporary:
        temporary.write_bytes(data)
    return hashlib.sha256(data).hexdigest()
