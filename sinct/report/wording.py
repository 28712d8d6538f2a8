"""Numbers and durations in readable form."""

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence

from sinct.measures import Measure
from sinct.report.results import MethodResult

GROUPS = ("style", "structure", "artefacts")
"""Order of the groups of columns; other groups follow in order of appearance."""

ABSENT = "\N{EN DASH}"
"""Shown where there is no value."""


MINUS = "\N{MINUS SIGN}"
"""As wide as a digit, and read aloud by screen readers, unlike a hyphen."""


def with_minus(text: str) -> str:
    """Replace a number's hyphen with a minus sign."""
    return text.replace("-", MINUS)


def number_format(values: Iterable[float]) -> Callable[[float], str]:
    """Choose how to write the numbers of one column: all with the same decimals, a typical one with three digits."""
    sizes = [abs(value) for value in values if math.isfinite(value) and value != 0]
    exponent = math.floor(math.log10(statistics.median(sizes))) if sizes else 0
    decimals = max(0, 2 - exponent)

    def write(value: float) -> str:
        if math.isnan(value):
            return "not a number"
        if math.isinf(value):
            return "∞" if value > 0 else f"{MINUS}∞"
        text = f"{value:.2e}" if decimals > 5 or exponent > 5 else f"{value:.{decimals}f}"
        return with_minus(text)

    return write


def column_formats(
    measures: Iterable[Measure], rows: Sequence[Mapping[str, float]]
) -> dict[str, Callable[[float], str]]:
    """Number format for each measure, by its name, from the values of all rows of a table."""
    return {
        measure.name: number_format(row[measure.name] for row in rows if measure.name in row)
        for measure in measures
    }


def label(name: str, result: MethodResult | None) -> str:
    """A picture's name, with what a reader must know of it."""
    if result is not None and result.random_weights:
        return f"{name} (random weights)"
    if result is not None and result.undertrained:
        return f"{name} (undertrained)"
    return name


def spread(value: float, deviation: float | None, write: Callable[[float], str]) -> str:
    """Write a mean and its deviation; the value alone where there is none."""
    return write(value) + ("" if deviation is None else f" ± {write(deviation)}")


def duration(seconds: float | None) -> str:
    """Write seconds as hours and minutes, as minutes and seconds, or as seconds."""
    if seconds is None:
        return ABSENT
    if seconds < 9.95:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (0 if hours else rest, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def count(number: float | None) -> str:
    """Write a number of steps, a mean over pairs with one decimal."""
    if number is None:
        return ABSENT
    return f"{number:,.1f}".removesuffix(".0")


def memory(size: float | None) -> str:
    """Write bytes as gigabytes, or as megabytes below one gigabyte."""
    if size is None:
        return ABSENT
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def arrow(higher_is_better: bool) -> str:
    """Arrow in the direction in which a measure gets better."""
    return "↑" if higher_is_better else "↓"


def in_groups(measures: Iterable[Measure]) -> dict[str, list[Measure]]:
    """Measures by group, with the groups in the order of `GROUPS`."""
    found: dict[str, list[Measure]] = {name: [] for name in GROUPS}
    for measure in measures:
        found.setdefault(measure.group, []).append(measure)
    return {name: members for name, members in found.items() if members}
