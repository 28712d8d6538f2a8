"""Which values are comparable, and how they rank."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from sinct.measures import Measure
from sinct.report.results import MethodResult

Row = TypeVar("Row")

ENOUGH = 0.4
"""Share of the steps that a method needs, at each of its scales, below which it is undertrained and does not compete.
40 of `draft`'s 100 steps, and `draft`'s 100 of `standard`'s 250, are nearly as good (see benchmarks/); for the methods
of others no such figure is known."""


def is_contender(result: MethodResult) -> bool:
    """Whether the method competes: it has a picture that counts and is not a control."""
    return result.counts and not result.control


def pictured(results: Iterable[MethodResult]) -> tuple[list[str], list[str]]:
    """Names of the contenders, and of the other methods that have a picture and are no controls."""
    methods = [result for result in results if result.file is not None and not result.control]
    return (
        [result.name for result in methods if result.counts],
        [result.name for result in methods if not result.counts],
    )


def contest(results: Iterable[MethodResult], measure: Measure) -> dict[str, float]:
    """Values of one measure that can be compared with each other, by the method's name.

    A method that minimises the measure itself is bound to win, which proves nothing, so it is left out, as are
    controls, undertrained methods, random weights, those run on other terms and values that are not finite.
    """
    return {
        result.name: result.measures[measure.name]
        for result in results
        if is_contender(result)
        and measure.name not in result.optimises
        and math.isfinite(result.measures.get(measure.name, math.nan))
    }


def in_blocks(rows: Iterable[Row], is_control: Callable[[Row], bool]) -> list[list[Row]]:
    """Rows of a table: the first control, the contenders, the other controls."""
    contenders: list[Row] = []
    controls: list[Row] = []
    for row in rows:
        (controls if is_control(row) else contenders).append(row)
    return [controls[:1], contenders, controls[1:]]


def ranks(values: Sequence[float], *, higher_is_better: bool) -> list[float]:
    """Rank of each value, 1 for the best; equal values share the mean of their ranks."""
    signed = [-value if higher_is_better else value for value in values]
    return [
        1 + sum(other < value for other in signed) + (sum(other == value for other in signed) - 1) / 2
        for value in signed
    ]


def leaders(results: Iterable[MethodResult], measure: Measure) -> tuple[set[str], set[str]]:
    """Names of the best and of the second best methods according to one measure.

    See `best_two`.
    """
    return best_two(contest(results, measure), higher_is_better=measure.higher_is_better)


def best_two(values: dict[str, float], *, higher_is_better: bool) -> tuple[set[str], set[str]]:
    """Names with the best value and with the second best.

    Equal values share a place. A best needs at least two values and a second best at least three, since the last
    place is never marked.
    """
    places = sorted(set(values.values()), reverse=higher_is_better)[: max(0, len(values) - 1)]
    best, second = ([*places, math.nan, math.nan])[:2]  # nan is equal to nothing
    return (
        {name for name, value in values.items() if value == best},
        {name for name, value in values.items() if value == second},
    )
