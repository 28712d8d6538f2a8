"""Finds the pictures of two domains: in folders, in lists, or in the layout of the field's data sets."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sinct.errors import InputError, one_line
from sinct.pictures.collecting import files_below, is_picture
from sinct.runtime.csv_files import read_csv
from sinct.runtime.files import StrPath, printable
from sinct.runtime.json_files import parsed

LISTS = (".csv", ".txt", ".json", ".jsonl", ".ndjson")
"""Suffixes of files that list pictures."""

COLUMNS = ("path", "file", "image", "picture")
"""Names of the column, or of the key in JSON, that holds a picture's path."""


@dataclass(frozen=True)
class Domains:
    """The pictures of an unpaired training.

    Attributes:
        source: what is translated, domain A.
        target: what it should look like, domain B.
        test_source: pictures of A that training does not see; may be empty.
        test_target: pictures of B that training does not see; may be empty.
    """

    source: tuple[Path, ...]
    target: tuple[Path, ...]
    test_source: tuple[Path, ...] = ()
    test_target: tuple[Path, ...] = ()


def find_domains(source: StrPath, target: StrPath | None = None) -> Domains:
    """Find the pictures of both domains.

    Args:
        source: folder or list of domain A; without `target`, a folder that has `trainA` and `trainB` and may have
            `testA` and `testB`, or else `valA` and `valB`, as the data sets of CycleGAN and CUT do.
        target: folder or list of domain B.

    Raises:
        InputError: a place is missing, has no pictures or cannot be read.
    """
    if target is not None:
        return Domains(find_images(source), find_images(target))
    root = Path(source)
    missing = [name for name in ("trainA", "trainB") if not (root / name).is_dir()]
    if missing:
        raise InputError(
            f"{printable(root)} lacks the folder {' and '.join(missing)}; give two folders, or one with both"
        )
    train = (find_images(root / name) for name in ("trainA", "trainB"))
    test = (_images_in_one_of(root / f"test{name}", root / f"val{name}") for name in "AB")
    return Domains(*train, *test)


def _images_in_one_of(*folders: Path) -> tuple[Path, ...]:
    """Pictures in the first of these folders that is there."""
    return next((find_images(folder) for folder in folders if folder.is_dir()), ())


def find_images(place: StrPath) -> tuple[Path, ...]:
    """Find the pictures of one domain; their files are not opened.

    Args:
        place: a folder, whose pictures are found with those of its subfolders, sorted by path and without hidden
            ones, as batches do; or a list of paths, which keeps its order: .txt with one a line, .csv with a column
            `path`, .json with an array, .jsonl or .ndjson with one a line. In JSON, a path is a text or an object's
            `path`. `file`, `image` and `picture` are other names for `path`. Paths are relative to the list.

    Raises:
        InputError: the place is missing, has no pictures or cannot be read.
    """
    path, name = Path(place), printable(place)
    if path.suffix.lower() in LISTS and not path.is_dir():
        found = tuple(path.parent / entry for entry in _listed(path))
    elif path.is_file():
        raise InputError(
            f"{name} is one file; give a folder of pictures or a list that ends in {', '.join(LISTS)}"
        )
    else:
        try:
            found = tuple(Path(file) for file in files_below(str(path)) if is_picture(file))
        except (OSError, ValueError) as error:  # ValueError: a null character in the path
            reason = getattr(error, "strerror", None) or one_line(error)
            raise InputError(f"cannot read the folder {name}: {reason}; check the path") from None
    if not found:
        raise InputError(f"there are no pictures in {name}; give a folder or list with some")
    return found


def _listed(path: Path) -> list[str]:
    """Paths in a list, as it has them."""
    try:
        entries = list(_entries(path.suffix.lower(), path.read_bytes().decode("utf-8-sig")))
        if any("\0" in entry for entry in entries):
            raise ValueError("a path has a null character")
    except UnicodeDecodeError:
        raise InputError(f"the list {printable(path)} is not in UTF-8; save it in UTF-8") from None
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or one_line(error)
        raise InputError(f"cannot read the list {printable(path)}: {reason}") from None
    return entries


def _entries(suffix: str, text: str) -> Iterator[str]:
    if suffix == ".txt":
        yield from (line.strip() for line in text.splitlines() if line.strip())
    elif suffix == ".csv":
        rows = read_csv(text)
        column = next((name for name in COLUMNS if rows and name in rows[0][1]), None)
        if rows and column is None:
            raise ValueError(f"it needs a column named {COLUMNS[0]}; add that name as its first line")
        for number, row in rows:
            cell = row[column]
            if not isinstance(cell, str) or not cell.strip():
                raise ValueError(f"line {number} has no path; add or remove it")
            yield cell.strip()
    else:
        lines = [line for line in text.split("\n") if line.strip()]
        values = parsed(text) if suffix == ".json" else [parsed(line) for line in lines]
        if not isinstance(values, list):
            raise ValueError("it must hold an array of paths")
        for number, value in enumerate(values, start=1):
            named = value if isinstance(value, dict) else {}
            entry = next((named[name] for name in COLUMNS if name in named), value)
            if not isinstance(entry, str) or not entry.strip():
                raise ValueError(f"entry {number} has no path; give a text, or an object with a {COLUMNS[0]}")
            yield entry
