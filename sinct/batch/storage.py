"""Files of a batch, wherever they lie: local paths, or URLs of any kind that fsspec knows (s3://, gs://, https:// ...).

Local paths never pass through fsspec, so that names with any letters work.
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
from sinct.runtime.files import replacing, unwritable

CHUNK = 2**20
"""Bytes copied at a time."""

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)  # two letters or more: C:\\ is none


def is_remote(place: str) -> bool:
    """Whether a place is a URL rather than a local path."""
    return _URL.match(place) is not None


def join(folder: str, name: str) -> str:
    """A file in a folder, local or remote."""
    return f"{folder.rstrip('/')}/{name}" if is_remote(folder) else str(Path(folder) / name)


def folded(name: str) -> str:
    """The same for names that a disk may take for the same: other capitals, other ways to write an umlaut."""
    return unicodedata.normalize("NFC", name).casefold()


def stamp(place: str) -> list[Any]:
    """What changes when a file does, as far as one can see without reading it; JSON-serialisable.

    Raises:
        InputError: it is not there or not readable.
    """
    with _reading(place):
        if not is_remote(place):
            found = Path(place).stat()
            return [found.st_size, found.st_mtime_ns]
        system, path = _system(place)
        facts = system.info(path)
        marks = ("ETag", "etag", "generation", "LastModified", "mtime", "created")
        return [facts.get("size"), *(str(facts[name]) for name in marks if name in facts)]


def sha256(place: str) -> str:
    """Hash of a file's bytes, in hexadecimal.

    Raises:
        InputError: it is not there or not readable.
    """
    with _reading(place), _open(place) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(place: str, folder: Path, name: str) -> Path:
    """Make a file local: a local one stays where it is, another is copied.

    Args:
        place: of the file.
        folder: for the copy.
        name: of the copy, without suffix.

    Raises:
        InputError: it is not there or not readable.
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
    """Put a finished local file at a URL.

    Raises:
        OutputError: it cannot be written there.
    """
    try:
        system, path = _system(place)
        system.makedirs(system._parent(path), exist_ok=True)
        system.put_file(str(file), path)  # object stores show a file when it is complete
    except Exception as error:  # every back end has errors of its own
        reason = one_line(error)
        raise OutputError(f"cannot write {place}: {reason}; check the address and your rights") from None


def files_in(folder: str) -> Iterator[str]:
    """Every file below a folder, sorted by its path; hidden files and folders are left out.

    Raises:
        InputError: it is not there.
    """
    with _reading(folder):
        if not is_remote(folder):
            if not Path(folder).is_dir():
                raise FileNotFoundError(2, os.strerror(2))
            for below, folders, names in os.walk(folder, onerror=_raise):
                folders[:] = sorted(name for name in folders if not name.startswith("."))
                yield from (os.path.join(below, name) for name in sorted(names) if not name.startswith("."))
            return
        system, path = _system(folder)
        protocol = folder.partition("://")[0]
        found = system.find(path)
        if not found:
            raise FileNotFoundError(2, os.strerror(2))
        yield from (
            f"{protocol}://{name.lstrip('/')}" if protocol != "file" else name for name in sorted(found)
        )


def _raise(error: OSError) -> None:
    raise error


def _system(place: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it."""
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
    """Turn what goes wrong into one line."""
    try:
        yield
    except (InputError, OutputError):
        raise
    except Exception as error:  # every back end has errors of its own
        reason = getattr(error, "strerror", None) or one_line(error)
        raise InputError(f"cannot read {place}: {reason}; check the path and your rights") from None
