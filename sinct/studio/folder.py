"""The folder that a studio works in, and the names by which a page may speak of what lies in it."""

import filecmp
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sinct.batch.ledger import ledger_path
from sinct.errors import InputError, OutputError
from sinct.pictures.formats import READ_SUFFIXES
from sinct.runtime.files import printable, unwritable

SUFFIX = ".sinct"
"""Suffix of run directories, as `sinct.translate` names them."""

MOST = 300
"""Most runs, batches and the like that are listed, the newest ones: a page with more helps nobody."""

MOST_PICTURES = 1000
"""Most pictures that are listed, the newest ones, of which a batch may take all."""

FORBIDDEN = set("/\\\0") | (set(":") if os.name == "nt" else set())
"""Characters of no plain name: they would lead into or out of a folder."""

LONGEST = 150
"""Bytes of a file's name, without its suffix, that are kept; disks take 255, with what is added to them."""


def inside(folder: Path, name: str) -> Path:
    """The path of what lies directly in a folder.

    Only plain names lead anywhere: no separators, no hidden files, and no link that leaves the folder. Nor does a name
    that is no UTF-8, which no address holds.

    Args:
        folder: the folder.
        name: the name, from anywhere.

    Raises:
        InputError: there is nothing of this name.
    """
    if name and not name.startswith(".") and not set(name) & FORBIDDEN:
        path = folder / name
        try:
            name.encode()
            if path.exists() and path.resolve().parent == folder.resolve():
                return path
        except (OSError, ValueError, RuntimeError):  # no UTF-8, too long for the disk, or links in a circle
            pass
    raise InputError(f"there is no {printable(name)[:200]} in this folder; choose another file")


def picture_in(folder: Path, name: str) -> Path:
    """The path of a picture that lies directly in a folder.

    Raises:
        InputError: there is no picture of this name.
    """
    path = inside(folder, name)
    if not path.is_file() or path.suffix.lower() not in READ_SUFFIXES:
        raise InputError(f"{printable(name)[:200]} is no picture; choose another file")
    return path


def run_in(folder: Path, name: str) -> Path:
    """The path of a run directory that lies directly in a folder.

    Raises:
        InputError: there is none of this name.
    """
    path = inside(folder, name)
    if not is_run(path):
        raise InputError(f"{printable(name)[:200]} is no run; choose another one")
    return path


def is_run(path: Path) -> bool:
    """Whether a path is a run directory, of the studio or of the command line."""
    marks = ("config.json", "studio/job.json", "variations/variations.json")
    return path.is_dir() and any((path / mark).is_file() for mark in marks)


def is_batch(path: Path) -> bool:
    """Whether a path is the folder of a batch."""
    return ledger_path(path).is_file()


def pictures(folder: Path, without: Iterable[str] = ()) -> list[str]:
    """Names of the pictures directly in a folder, the newest first.

    Args:
        folder: the folder.
        without: names to leave out.
    """
    names = {path.name for path in folder.iterdir() if path.suffix.lower() in READ_SUFFIXES} - set(without)
    found = [path for path in map(folder.joinpath, names) if _leads(folder, path) and path.is_file()]
    return [path.name for path in sorted(found, key=_newest_first)]


def runs(folder: Path) -> list[str]:
    """Names of the run directories directly in a folder, the newest first."""
    found = [path for path in folder.iterdir() if _leads(folder, path) and is_run(path)]
    return [path.name for path in sorted(found, key=_newest_first)][:MOST]


def _leads(folder: Path, path: Path) -> bool:
    """Whether a page may speak of what lies at a path."""
    try:
        inside(folder, path.name)
    except InputError:
        return False
    return True


def _newest_first(path: Path) -> tuple[float, str]:
    return -path.stat().st_mtime, path.name


def plain_name(text: str) -> str:
    """A name for an uploaded file, made of the one that it has elsewhere.

    Raises:
        InputError: its suffix is that of no picture.
    """
    last = re.split(r"[/\\]", text)[-1]
    kept = "".join(c if c.isprintable() and c not in '<>:"|?*' else "_" for c in last)
    stem, dot, kind = kept.rpartition(".")
    suffix = dot + kind
    if suffix.lower() not in READ_SUFFIXES:
        kinds = f"files of the kind {suffix}" if dot else "files without a suffix"
        raise InputError(
            f"{printable(kept)}: {kinds} are not read; give a picture, such as .jpg, .png or .tif"
        )
    return (shortened(stem.strip(" .")) or "picture") + suffix


def shortened(stem: str) -> str:
    """The beginning of a file's name, so that the disk takes it with what is added to it."""
    return stem.encode()[:LONGEST].decode(errors="ignore")


def place_for(folder: Path, name: str, uploaded: Path) -> tuple[Path, bool]:
    """Where an uploaded file goes: to a free name, or to the very same file where that is there already.

    Args:
        folder: the folder.
        name: the name that it should have, see `plain_name`.
        uploaded: the file.

    Returns:
        The path, and whether the same file lies there already.
    """
    for path in _numbered(folder, name):
        if not path.exists() and not path.is_symlink():
            return path, False
        if path.is_file() and _leads(folder, path) and filecmp.cmp(path, uploaded, shallow=False):
            return path, True
    raise OutputError(f"there are too many files named {name}; remove some")


def free_output(folder: Path, painting: str) -> str:
    """A name for the translation of a painting that is free, and so is that of its run directory."""
    for path in _numbered(folder, f"{shortened(Path(painting).stem)}-photo.png"):
        if not path.exists() and not path.with_suffix(SUFFIX).exists():
            return path.name
    raise OutputError(f"there are too many translations of {painting}; remove some")


def new_folder(folder: Path, name: str) -> Path:
    """Make a folder in another one, of this name with the first number that is free.

    Raises:
        OutputError: it cannot be made.
    """
    for number in range(1, 1000):
        path = folder / f"{name}-{number}"
        try:
            path.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise unwritable(path, error) from None
        return path
    raise OutputError(f"there are too many folders named {name}; remove some")


@contextmanager
def undone(path: Path) -> Iterator[None]:
    """Remove a new folder, which nobody has seen yet, if what is begun in it fails."""
    try:
        yield
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise


def _numbered(folder: Path, name: str) -> Iterable[Path]:
    """A path, and the same with the numbers from 2 on."""
    path = folder / name
    yield path
    for number in range(2, 1000):
        yield path.with_stem(f"{path.stem}-{number}")
