"""Finds the pictures in folders."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from sinct.pictures.formats import READ_SUFFIXES


def is_picture(name: str) -> bool:
    """Whether a file's name, path or address has the suffix of a picture."""
    return PurePosixPath(name).suffix.lower() in READ_SUFFIXES


def files_below(folder: str) -> Iterator[str]:
    """All files in a local folder and its subfolders, sorted by path; hidden files and folders are left out.

    Raises:
        OSError: the folder is missing, or one below it cannot be read.
    """
    if not Path(folder).is_dir():
        raise FileNotFoundError(2, os.strerror(2))
    for below, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (os.path.join(below, name) for name in sorted(names) if not name.startswith("."))


def _raise(error: OSError) -> None:
    raise error
