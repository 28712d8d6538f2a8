"""Access to a batch's files: local paths, or URLs of any kind that fsspec knows (s3://, gs://, https:// ...).

Local paths never go through fsspec, so that names with any characters work.
"""

import hashlib
import os
import re
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sinct.errors import InputError, OutputError, one_line
from sinct.pictures.collecting import files_below
from sinct.runtime.files import file_sha256, irregular, printable, replacing, unwritable

CHUNK = 2**20
"""Bytes copied at a time."""

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)  # at least two letters, so that C:\\ does not match


def is_remote(place: str) -> bool:
    """Whether a place is a URL rather than a local path."""
    return _URL.match(place) is not None


def join(folder: str, name: str) -> str:
    """A file in a folder, local or remote."""
    return f"{folder.rstrip('/')}/{name}" if is_remote(folder) else str(Path(folder) / name)


def folded(name: str) -> str:
    """A form that is equal for names that a disk may treat as the same: other case, other encodings of an umlaut."""
    return unicodedata.normalize("NFC", name).casefold()


def stamp(place: str) -> list[Any]:
    """Values that change when a file does, as far as can be seen without reading it; JSON-serialisable.

    Raises:
        InputError: the file is missing or not readable.
    """
    with _reading(place):
        if not is_remote(place):
            if irregular(Path(place)):
                raise InputError(f"{printable(place)} is a pipe or a device; save it as a file first")
            found = Path(place).stat()
            return [found.st_size, found.st_mtime_ns]
        system, path = _system(place)
        facts = system.info(path)
        marks = ("ETag", "etag", "generation", "LastModified", "mtime", "created")
        return [facts.get("size"), *(str(facts[name]) for name in marks if name in facts)]


def sha256(place: str) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        InputError: the file is missing or not readable.
    """
    with _reading(place):
        if not is_remote(place):
            return file_sha256(place)
        with _open(place) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(place: str, folder: Path, name: str) -> Path:
    """Make a file local: a remote one is copied, a local one stays where it is.

    Args:
        place: path or URL of the file.
        folder: where the copy goes.
        name: name of the copy, without suffix.

    Raises:
        InputError: the file is missing or not readable.
        OutputError: the copy cannot be written.
    """
    if not is_remote(place):
        return Path(place)
    copy = folder / f"{name}{Path(place.partition('?')[0]).suffix}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None
    with replacing(copy) as temporary, temporary.open("wb") as target, _reading(place), _open(place) as file:
        shutil.copyfileobj(file, target, CHUNK)
    return copy


def store(file: Path, place: str) -> None:
    """Copy a finished local file to a URL.

    Raises:
        OutputError: it cannot be written there.
    """
    try:
        system, path = _system(place)
        system.makedirs(system._parent(path), exist_ok=True)
        system.put_file(str(file), path)  # object stores show a file only when it is complete
    except Exception as error:  # every back end has its own errors
        reason = one_line(error)
        raise OutputError(f"cannot write {place}: {reason}; check the address and your permissions") from None


def files_in(folder: str) -> Iterator[str]:
    """All files in a folder and its subfolders, sorted by path; hidden files and folders are left out.

    Raises:
        InputError: the folder is missing.
    """
    with _reading(folder):
        if not is_remote(folder):
            yield from files_below(folder)
            return
        system, path = _system(folder)
        protocol = folder.partition("://")[0]
        found = system.find(path)
        if not found:
            raise FileNotFoundError(2, os.strerror(2))
        yield from (
            f"{protocol}://{name.lstrip('/')}" if protocol != "file" else name for name in sorted(found)
        )


def _system(place: str) -> tuple[Any, str]:
    """The file system of a URL, and the path within it."""
    from fsspec.core import url_to_fs

    system, path = url_to_fs(place)
    return system, path


@contextmanager
def _open(place: str) -> Iterator[Any]:
    if not is_remote(place):
        with open(place, "rb") as file:
            yield file
        return
    system, path = _system(place)
    with system.open(path, "rb") as file:
        yield file


@contextmanager
def _reading(place: str) -> Iterator[None]:
    """Turn any error into an InputError of one line."""
    try:
        yield
    except (InputError, OutputError):
        raise
    except Exception as error:  # every back end has its own errors
        reason = getattr(error, "strerror", None) or one_line(error)
        raise InputError(f"cannot read {place}: {reason}; check the path and your permissions") from None
