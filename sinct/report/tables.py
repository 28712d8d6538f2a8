"""A comparison's numbers as CSV for programs."""

import csv
import io
from collections.abc import Iterable, Sequence

from sinct.report.columns import COLUMNS, cells, heading
from sinct.report.results import Comparison


def to_csv(comparison: Comparison) -> str:
    """One row per method, with values at full precision; cells without a value are empty."""
    head = [*(column.name for column in COLUMNS), *map(heading, comparison.measures)]
    rows = [list(cells(result, comparison.measures).values()) for result in comparison.results]
    return write_csv(head, rows)


def write_csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Comma-separated values with a heading; None leaves a cell empty."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    return text.getvalue()
