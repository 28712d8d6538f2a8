"""Several comparisons as one page and as tables."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from sinct.measures import Measure
from sinct.report.aggregate import Row, Statistic, aggregate, all_measures, leaders_by_mean
from sinct.report.columns import COSTS, heading
from sinct.report.latex import NOTES, Part, cell_of, escape, parts, table
from sinct.report.page import render, write_text
from sinct.report.ranking import in_blocks
from sinct.report.results import Comparison
from sinct.report.tables import write_csv
from sinct.report.wording import ABSENT, count, duration, in_groups, memory, number_format


def write_summary(folder: Path, comparisons: Mapping[str, Comparison]) -> Path:
    """Write `summary.html`, `summary.csv` and `summary.tex`, each completely or not at all.

    Args:
        folder: folder to write to.
        comparisons: comparisons by the name of their folder inside it, which holds their `report.html`.

    Returns:
        Path of the page.

    Raises:
        OutputError: the folder cannot be written to.
    """
    rows = aggregate(list(comparisons.values()))
    measures = all_measures(comparisons.values())
    groups = in_groups(measures)
    columns = [
        _Column(
            measure,
            number_format(row.measures[measure.name].mean for row in rows if measure.name in row.measures),
            *leaders_by_mean(rows, measure, len(comparisons)),
        )
        for members in groups.values()
        for measure in members
    ]
    write_text(folder / "summary.csv", _to_csv(rows, columns))
    write_text(folder / "summary.tex", _to_latex(rows, groups, columns, list(comparisons.values())))
    page = folder / "summary.html"
    text = render(
        "summary.html",
        scripts=("page.js",),
        pairs=[(name, f"./{quote(name)}/report.html", c) for name, c in comparisons.items()],
        groups=groups,
        columns=columns,
        blocks=_blocks(rows),
        spread=_spread,
        mean_duration=lambda value: ABSENT if value is None else duration(value.mean),
        mean_count=lambda value: ABSENT if value is None else count(value.mean),
        left_out=_left_out,
        mean_memory=lambda value: ABSENT if value is None else memory(value.mean),
    )
    write_text(page, text)
    return page


class _Column(NamedTuple):
    """A measure with what is needed to write its cells."""

    measure: Measure
    write: Callable[[float], str]
    best: set[str]
    second: set[str]


def _blocks(rows: Sequence[Row]) -> list[list[Row]]:
    return in_blocks(rows, lambda row: row.control)


def _spread(value: Statistic, write: Callable[[float], str]) -> str:
    """Write mean and deviation."""
    return write(value.mean) + ("" if value.deviation is None else f" ± {write(value.deviation)}")


def _left_out(row: Row) -> str:
    """Say how many of a method's pictures do not count, and why."""
    counts = {
        "failed": row.failed,
        "undertrained": row.undertrained,
        "with random weights": row.random,
        "on other terms": row.other,
    }
    return ", ".join(f"{number} {what}" for what, number in counts.items() if number)


def _to_csv(rows: Sequence[Row], columns: Sequence[_Column]) -> str:
    """One row per method and measure, by the names of `sinct.report.columns`; steps, times and memory come last."""
    head = [
        "method",
        "title",
        "control",
        "measure",
        "mean",
        "deviation",
        "pairs",
        "undertrained",
        "mean_rank",
    ]
    lines = []
    for row in rows:
        values = {heading(column.measure): row.measures.get(column.measure.name) for column in columns}
        costs = zip(COSTS, (row.steps, row.training_seconds, row.seconds, row.memory), strict=True)
        for name, value in (*values.items(), *costs):
            mean, deviation, pairs, rank = (
                (value.mean, value.deviation, value.pairs, value.rank) if value else (None, None, 0, None)
            )
            first = [row.name, row.title, str(row.control).lower(), name]
            lines.append([*first, mean, deviation, pairs, row.undertrained, rank])
    return write_csv(head, lines)


def _to_latex(
    rows: Sequence[Row],
    groups: Mapping[str, Sequence[Measure]],
    columns: Sequence[_Column],
    comparisons: Sequence[Comparison],
) -> str:
    def cell(row: Row, column: _Column) -> str:
        value = row.measures.get(column.measure.name)
        return cell_of(
            None if value is None else value.mean,
            None if value is None else value.deviation,
            column.write,
            best=row.name in column.best,
            second=row.name in column.second,
            optimised=column.measure.name in row.optimises,
        )

    def cost(row: Row) -> list[str]:
        return [
            escape(ABSENT if value is None else write(value.mean))
            for value, write in (
                (row.steps, count),
                (row.training_seconds, duration),
                (row.seconds, duration),
                (row.memory, memory),
            )
        ]

    blocks = [
        [[escape(row.title), *(cell(row, column) for column in columns), *cost(row)] for row in block]
        for block in _blocks(rows)
        if block
    ]
    costs = Part("Mean cost", ["Steps", "Training", r"\shortstack[r]{Whole \\ time}", "Memory"])
    return table(
        [*parts(groups), costs] if columns else [],
        blocks,
        caption=(
            f"Mean and standard deviation over {len(comparisons)} pairs; {escape(_terms(comparisons))}. Arrows point "
            "to better values; the best mean of each column is bold, the second best underlined. Training is the time "
            "of the steps, the whole time includes loading. Failed and undertrained runs do not count. "
            f"{NOTES['dagger']}"
        ),
        label="tab:summary",
    )


def _terms(comparisons: Sequence[Comparison]) -> str:
    """The time and seed of all comparisons, and the machine, or of each where they differ."""
    limits = ["no limit" if c.seconds is None else duration(c.seconds) for c in comparisons]
    seeds = [str(c.seed) for c in comparisons]
    machines = [c.environment.get("device", "") for c in comparisons]
    parts = {"time for each method": limits, "seed": seeds, "device": machines}
    return "; ".join(
        f"{name} {', '.join(dict.fromkeys(values))}" for name, values in parts.items() if any(values)
    )
