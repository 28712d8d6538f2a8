"""A comparison's numbers as CSV for programs."""

import csv
import io
from collections.abc import Iterable, Sequence

from sinct.report.columns import COLUMNS, cells, heading
from sinct.report.results import Comparison


def to_csv(comparison: Comparison) -> str:
    """One row per method, with values at full precision; cells without a value are empty.

    With several seeds, values are means, and columns with their standard deviations follow.
    """
    several = comparison.seeds > 1
    rows = [cells(result, comparison.measures, deviations=several) for result in comparison.results]
    head = (
        list(rows[0]) if rows else [*(column.name for column in COLUMNS), *map(heading, comparison.measures)]
    )
    return write_csv(head, [list(row.values()) for row in rows])


def write_csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Comma-separated values with a heading; None leaves a cell empty."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    return text.getvalue()
