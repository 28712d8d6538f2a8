"""The tables: what they hold, whether their data sets are there, and how they look in Markdown."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sinct.data.folders import find_images
from sinct.errors import InputError

HERE = Path(__file__).parent

RESULTS = HERE / "results.json"
"""Our figures by row, with machine and versions."""

ORDER = ("horse2zebra", "cat2dog", "ablations")
"""Tables that come first, by file; others follow by name."""

NAMES = {
    "fid": "FID",
    "clean_fid": "clean-FID",
    "kid": "KID",
    "distance": "distance",
    "mIoU": "mIoU (mAP there) in %",
    "pixAcc": "pixAcc in %",
    "classAcc": "classAcc in %",
    "horse": "horses in %",
    "zebra": "zebras in %",
}
"""What scores are called in tables; others keep their key."""


@dataclass(frozen=True)
class DataSet:
    """A published data set.

    Attributes:
        name: its usual name, and how to lay it out where that is not as published.
        folder: where it lies in the folder of data sets.
        counts: subfolder -> pictures that it should have; without those that are not known for certain.
    """

    name: str
    folder: str
    counts: Mapping[str, int] = field(default_factory=dict)

    def faults(self, datasets: Path) -> list[str]:
        """What is missing of it, in a line each; empty where it is complete. Pictures are counted, not opened."""
        found = []
        for name, count in self.counts.items():
            place = datasets / self.folder / name
            try:
                pictures = len(find_images(place))
            except InputError:
                found.append(f"{place} is missing or has no pictures")
                continue
            if pictures != count:
                found.append(f"{place} has {pictures} pictures, published were {count}")
        return found


@dataclass(frozen=True)
class Row:
    """An experiment of a table.

    Attributes:
        name: its name in results and on the command line.
        method: the method's name in the paper.
        epochs: length that was published; None where the method has none.
        commands: from training to scores, for `datasets/` and `runs/`; the last prints JSON. Empty: sinct has no such
            method, or `same_as` says whose they are.
        same_as: another row, of which this one takes the commands and our figures.
        expected: source -> score, by its key in that JSON -> value.
    """

    name: str
    method: str
    expected: Mapping[str, Mapping[str, float]]
    epochs: int | None = None
    commands: tuple[str, ...] = ()
    same_as: str = ""

    @property
    def run(self) -> str:
        """The row whose commands give our figures."""
        return self.same_as or self.name


@dataclass(frozen=True)
class Table:
    """A table of the paper: heading, where it is published, its data set, its rows, and our scores.

    Attributes:
        scores: keys of scores of ours that have a column before those that have a published value too.
    """

    title: str
    source: str
    data: DataSet
    rows: tuple[Row, ...]
    scores: tuple[str, ...] = ()


def read_tables(folder: Path = HERE) -> list[Table]:
    """Read all tables, a .toml file each.

    Raises:
        TypeError, KeyError: a file lacks something or has something that is not known.
        ValueError: two rows have one name, or one is the same as none.
    """
    found = [read_table(path) for path in sorted(folder.glob("*.toml"), key=_place)]
    names = [row.name for table in found for row in table.rows]
    if len(names) != len(set(names)):
        raise ValueError("two rows have the same name")
    unknown = {row.run for table in found for row in table.rows} - set(names)
    if unknown:
        raise ValueError(f"there is no row {', '.join(sorted(unknown))}")
    return found


def read_table(path: Path) -> Table:
    """Read one table."""
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    rows = (Row(**{**row, "commands": tuple(row.get("commands", ()))}) for row in values["rows"])
    scores = tuple(values.get("scores", ()))
    return Table(values["title"], values["source"], DataSet(**values["data"]), tuple(rows), scores)


def read_results(path: Path = RESULTS) -> dict[str, Any]:
    """Our figures by row; none where nothing has been run."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def markdown(tables: Sequence[Table], results: Mapping[str, Any]) -> str:
    """All tables with our figures beside the published ones."""
    return "\n\n".join(_table(table, results) for table in tables) + "\n"


def _place(path: Path) -> tuple[int, str]:
    return ORDER.index(path.stem) if path.stem in ORDER else len(ORDER), path.stem


def _table(table: Table, results: Mapping[str, Any]) -> str:
    columns = list(
        dict.fromkeys(
            (source, score)
            for row in table.rows
            for source, scores in row.expected.items()
            for score in scores
        )
    )
    ours = list(dict.fromkeys((*table.scores, *(score for _, score in columns))))
    counts = ", ".join(f"`{name}` {count}" for name, count in table.data.counts.items())
    head = ["row", "method", "epochs"]
    head += [f"{NAMES.get(score, score)}, {source}" for source, score in columns]
    head += [f"{NAMES.get(score, score)}, ours" for score in ours] + ["status", "date", "machine"]
    lines = [head, [":--", ":--", *["--:"] * (1 + len(columns) + len(ours)), ":--", ":--", ":--"]]
    for row in table.rows:
        result = results.get(row.run, {})
        machine = result.get("machine", {})
        lines.append(
            [
                f"`{row.name}`",
                row.method,
                str(row.epochs or ""),
                *(_number(row.expected.get(source, {}).get(score)) for source, score in columns),
                *(_number(result.get("scores", {}).get(score)) for score in ours),
                _status(row, result),
                machine.get("date", ""),
                _machine(machine),
            ]
        )
    return "\n".join(
        [
            f"### {table.title}",
            "",
            f"{table.source}. Data set: {table.data.name}; in `datasets/{table.data.folder}`"
            + (f", {counts}." if counts else "."),
            "",
            *(f"| {' | '.join(line)} |" for line in lines),
        ]
    )


def _status(row: Row, result: Mapping[str, Any]) -> str:
    if result:
        return "; ".join(["run", *result["remarks"]])
    return "not run" if row.commands or row.same_as else "not run: sinct has no such method"


def _machine(facts: Mapping[str, Any]) -> str:
    if not facts:
        return ""
    return f"{facts['device']}, torch {facts['torch']}, sinct {facts['sinct']} at {facts['commit']}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}" if value >= 1 else f"{value:.3g}"
