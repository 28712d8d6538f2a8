"""Which values are compared with each other, and how they rank."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from sinct.measures import Measure
from sinct.report.results import MethodResult

Row = TypeVar("Row")


def is_contender(result: MethodResult) -> bool:
    """Whether the picture speaks for its method: there is one, from real weights, and it is no control."""
    return result.file is not None and not result.control and not result.random_weights


def contest(results: Iterable[MethodResult], measure: Measure) -> dict[str, float]:
    """Values of one measure that may be held against each other, by the method's name.

    A method that minimises the measure itself must win there and says nothing by it, so it is left out, as
    are controls, random weights and values that are not finite.
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
    """Rank of each value, 1 for the best; equal values share the mean of their places."""
    signed = [-value if higher_is_better else value for value in values]
    return [
        1 + sum(other < value for other in signed) + (sum(other == value for other in signed) - 1) / 2
        for value in signed
    ]


def leaders(results: Iterable[MethodResult], measure: Measure) -> tuple[set[str], set[str]]:
    """Names of the best and of the second best methods by one measure.

    See `best_two`.
    """
    return best_two(contest(results, measure), higher_is_better=measure.higher_is_better)


def best_two(values: dict[str, float], *, higher_is_better: bool) -> tuple[set[str], set[str]]:
    """Names with the best value and with the second best.

    Equal values share a place. It takes two values for a best and three for a second best, as the last
    deserves no mark.
    """
    places = sorted(set(values.values()), reverse=higher_is_better)[: max(0, len(values) - 1)]
    best, second = ([*places, math.nan, math.nan])[:2]  # nan equals nothing
    return (
        {name for name, value in values.items() if value == best},
        {name for name, value in values.items() if value == second},
    )
