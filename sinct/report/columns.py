"""The columns of the tables for programs: names that say what is in them, with units, from which the manual is made."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sinct.measures import MEASURES, Measure
from sinct.report.ranking import is_contender
from sinct.report.results import MethodResult


class Column(NamedTuple):
    """One column of `table.csv`.

    Attributes:
        name: its heading.
        unit: its unit, or what kind of value it holds.
        meaning: what it says, for the manual.
        value: the cell of a row; None leaves it empty.
    """

    name: str
    unit: str
    meaning: str
    value: Callable[[MethodResult], object]


COLUMNS = (
    Column("method", "text", "key of the method, as it is chosen by", lambda row: row.name),
    Column("title", "text", "name of the method as shown", lambda row: row.title),
    Column("control", "true, false", "an end of the scale, not a contender", lambda row: row.control),
    Column("status", "text", "`ok`, or `failed` and the reason", lambda row: status(row)),
    Column("made_elsewhere", "true, false", "a picture of another program", lambda row: row.elsewhere),
    Column("ranked", "true, false", "whether it competes", is_contender),
    Column("undertrained", "true, false", "too few steps, so not ranked", lambda row: bool(row.undertrained)),
    Column("random_weights", "true, false", "no pretrained networks, so not ranked", lambda row: row.random_weights),
    Column("other_terms", "text", "in what an earlier call differed, so not ranked", lambda row: row.differs or None),
    Column("seeds", "count", "runs that values are means over", lambda row: _runs(row)),
    Column("steps", "count", "steps or iterations at all scales; empty for closed forms", lambda row: row.steps),
    Column("steps_needed", "count", "how many it needs", lambda row: row.steps_needed),
    Column("training_seconds", "s", "time of the steps alone", lambda row: row.training_seconds),
    Column("whole_seconds", "s", "time with loading, without measuring", lambda row: row.seconds),
    Column("peak_memory_bytes", "bytes", "most memory that its process held at once", lambda row: row.memory),
    Column("device", "text", "where it ran", lambda row: row.device),
)  # fmt: skip
"""Columns before those of the measures."""

SPREAD = {"steps": "steps", "training_seconds": "training_seconds", "whole_seconds": "seconds"}
"""Columns of costs that have a deviation over seeds, with the field that it is of."""

COSTS = ("steps", "training_seconds", "whole_seconds", "peak_memory_bytes")
"""Columns that a summary over pairs has means of, besides the measures."""


def heading(measure: Measure) -> str:
    """The name of a measure's column, which says what it holds and its unit."""
    return measure.column or measure.name


def cells(row: MethodResult, measures: Sequence[Measure], *, deviations: bool = False) -> dict[str, object]:
    """A row by the names of its columns, in their order; None where there is no value.

    With `deviations`, columns named after measures and costs, with `_deviation` behind, hold the standard deviations
    over seeds.
    """
    first = {column.name: column.value(row) for column in COLUMNS}
    values = {heading(measure): row.measures.get(measure.name) for measure in measures}
    if deviations:
        values |= {f"{heading(measure)}_deviation": row.deviations.get(measure.name) for measure in measures}
        values |= {f"{name}_deviation": row.deviations.get(field) for name, field in SPREAD.items()}
    return {
        name: str(value).lower() if isinstance(value, bool) else value for name, value in first.items()
    } | values


def status(row: MethodResult) -> str:
    """`ok`, or `failed` and the reason."""
    return "ok" if row.file is not None else f"failed: {row.reason}"


def _runs(row: MethodResult) -> int | None:
    """Number of runs with a picture; None where nothing ran."""
    return sum(run.file is not None for run in row.runs) or (1 if row.file and not row.elsewhere else None)


def manual() -> str:
    """The table of columns, in Markdown."""
    lines = ["| column | unit | |", "|---|---|---|"]
    lines += [f"| `{column.name}` | {column.unit} | {column.meaning} |" for column in COLUMNS]
    lines += [
        f"| `{heading(measure)}` | {measure.unit or 'none'} | {measure.title.partition(' (')[0]}, "
        f"{'higher' if measure.higher_is_better else 'lower'} is better; `{measure.name}` in JSON |"
        for measure in MEASURES
    ]
    lines.append(
        "| `..._deviation` | that of its column | with several seeds: standard deviation (n - 1) of each of these |"
    )
    return "\n".join(lines)
