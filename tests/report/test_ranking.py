"""Who leads where, and how numbers are written."""

import math

import numpy as np
import pytest

from sinct.report.ranking import best_two, contest, leaders, ranks
from sinct.report.wording import duration, memory, number_format
from tests.support.report_results import GRAM, result, valued


def test_contest_leaves_out_what_does_not_compete() -> None:
    values = {"gram": 1.0}
    results = [
        result("good", measures=values),
        result("control", measures=values, control=True),
        result("random", measures=values, random_weights=True),
        result(
            "undertrained", measures=values, steps=1, steps_needed=9, undertrained="only 1 of the 9 steps"
        ),
        result("unknown", measures=values, need="9 steps"),
        result("failed", measures=values, file=None),
        result("own", measures=values, optimises=("gram",)),
        result("infinite", measures={"gram": math.inf}),
        result("missing"),
    ]
    assert contest(results, GRAM) == {"good": 1.0}


def test_ranks_of_equal_values_are_the_mean_of_their_places() -> None:
    assert ranks([3, 1, 3, 2], higher_is_better=True) == [1.5, 4, 1.5, 3]
    assert ranks([3, 1, 3, 2], higher_is_better=False) == [3.5, 1, 3.5, 2]


def test_ranks_add_up_to_the_same_sum_whatever_the_ties() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        values = random.integers(0, 4, 9).tolist()
        assert sum(ranks(values, higher_is_better=True)) == pytest.approx(45)


def test_best_two_follow_the_direction() -> None:
    values = {"a": 1.0, "b": 2.0, "c": 3.0}
    assert best_two(values, higher_is_better=True) == ({"c"}, {"b"})
    assert best_two(values, higher_is_better=False) == ({"a"}, {"b"})


def test_equal_values_share_the_best_place() -> None:
    assert best_two({"a": 1.0, "b": 1.0, "c": 3.0}, higher_is_better=False) == ({"a", "b"}, {"c"})


@pytest.mark.parametrize(("count", "best", "second"), [(0, 0, 0), (1, 0, 0), (2, 1, 0), (3, 1, 1)])
def test_the_last_of_few_is_not_marked(count: int, best: int, second: int) -> None:
    found = best_two({str(i): float(i) for i in range(count)}, higher_is_better=True)
    assert tuple(map(len, found)) == (best, second)


def test_a_method_that_minimises_a_measure_does_not_lead_there() -> None:
    results = [*valued(a=2, b=3, c=4), result("own", measures={"gram": 0.0}, optimises=("gram",))]
    assert leaders(results, GRAM) == ({"a"}, {"b"})


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ((0.1234, 0.5678, 0), ["0.123", "0.568", "0.000"]),
        ((1234.5, 2000), ["1234", "2000"]),
        ((1.5e-7, 2e-7), ["1.50e\N{MINUS SIGN}07", "2.00e\N{MINUS SIGN}07"]),
        (
            (-0.25, math.nan, math.inf, -math.inf),
            ["\N{MINUS SIGN}0.250", "not a number", "∞", "\N{MINUS SIGN}∞"],
        ),
        ((0.0,), ["0.00"]),
    ],
)
def test_numbers_of_a_column_have_the_same_decimals(values: tuple[float, ...], texts: list[str]) -> None:
    assert [number_format(values)(value) for value in values] == texts


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "\N{EN DASH}"),
        (0.04, "0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (7320, "2 h 2 min"),
    ],
)
def test_durations_read_naturally(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_memory_is_in_decimal_units() -> None:
    assert [memory(x) for x in (None, 5e6, 1.25e9)] == ["\N{EN DASH}", "5 MB", "1.2 GB"]
