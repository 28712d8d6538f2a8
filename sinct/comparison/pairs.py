"""Comparisons on several pairs of pictures, with a summary."""

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sinct.comparison.compare import Compared, compare
from sinct.comparison.elsewhere import of_pairs
from sinct.comparison.stage import OnStage, Stage
from sinct.errors import InputError, Interrupted, OutputError
from sinct.report import write_summary
from sinct.runtime.csv_files import read_csv
from sinct.runtime.files import StrPath
from sinct.runtime.locks import alone


def compare_pairs(
    pairs: StrPath,
    output: StrPath,
    *,
    folder: StrPath | None = None,
    added: Mapping[str, StrPath] | None = None,
    on_stage: OnStage | None = None,
    **options: Any,
) -> dict[str, Compared | str]:
    """Compare methods on several pairs and write a summary.

    Args:
        pairs: CSV file with the columns painting and photo and, optionally, name, painting_regions and
            photo_regions.
        output: folder for everything; each pair's comparison is in a folder with the pair's name.
        folder: where the list's relative paths begin; by default the list's own folder.
        added: for each name of pictures made elsewhere, a folder with a picture named after each pair. A pair without
            one has a row that says so.
        on_stage: called with the progress.
        options: passed to `compare`.

    Returns:
        By the pair's name: its comparison, or in one line why there is none.

    Raises:
        InputError: the list of pairs cannot be read, or a folder in `added` has no picture of any pair.
        OutputError: another process works in the folder, or it cannot be written.
        Interrupted: `should_stop` returned True.
    """
    rows = read_pairs(pairs, folder)
    brought = of_pairs(added or {}, rows)
    with alone(Path(output), "give another `output`"):
        return _compared(rows, brought, Path(output), on_stage, options)


def _compared(
    rows: Mapping[str, Mapping[str, Path]],
    added: Mapping[str, Mapping[str, Path | None]],
    output: Path,
    on_stage: OnStage | None,
    options: Mapping[str, Any],
) -> dict[str, Compared | str]:
    """Do what `compare_pairs` says, in a folder that no other process works in."""
    done: dict[str, Compared | str] = {}
    for name, row in rows.items():
        regions = None
        if row.get("painting_regions") and row.get("photo_regions"):
            regions = (row["painting_regions"], row["photo_regions"])

        def show(stage: Stage, name: str = name) -> None:
            if on_stage:
                on_stage(replace(stage, pair=name))

        try:
            done[name] = compare(
                row["painting"],
                row["photo"],
                output / name,
                regions=regions,
                added=added[name],
                on_stage=show,
                **options,
            )
        except Interrupted:
            raise
        except (InputError, OutputError) as error:  # the other pairs continue
            done[name] = str(error)
    finished = {name: item.comparison for name, item in done.items() if isinstance(item, Compared)}
    if finished:
        write_summary(output, finished)
    return done


def read_pairs(path: StrPath, folder: StrPath | None = None) -> dict[str, dict[str, Path]]:
    """Read a list of pairs; see `compare_pairs`.

    Raises:
        InputError: the list cannot be read, lacks a column, or gives two pairs the same name.
    """
    file = Path(path)
    base = file.parent if folder is None else Path(folder)
    try:
        lines = [row for _, row in read_csv(file.read_bytes().decode("utf-8-sig"))]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or "not a CSV file in UTF-8"
        raise InputError(f"cannot read the list of pairs {file}: {reason}") from None
    if not lines or not {"painting", "photo"} <= set(lines[0]):
        raise InputError(
            f"the list of pairs {file} needs a first line 'painting,photo' and a line for each pair, for instance "
            "'monet.jpg,coast.jpg'; name, painting_regions and photo_regions may follow"
        )
    rows: dict[str, dict[str, Path]] = {}
    for number, line in enumerate(lines, start=2):
        if not line["painting"] or not line["photo"]:
            raise InputError(f"line {number} of {file} lacks a painting or a photo; add it")
        name = str(line.get("name") or f"{Path(str(line['painting'])).stem}--{Path(str(line['photo'])).stem}")
        if name in rows or Path(name).name != name or name in (".", ".."):
            raise InputError(
                f"line {number} of {file}: the name {name!r} is taken or cannot be a folder's name; give another in a "
                "column 'name'"
            )
        columns = ("painting", "photo", "painting_regions", "photo_regions")
        rows[name] = {key: base / str(line[key]) for key in columns if line.get(key)}
    return rows
