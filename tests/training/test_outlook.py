"""What the first steps say of the rest."""

from typing import Any

import pytest

from sinct.training.outlook import SKIPPED, TIMED, outlook, pace, per_step, roughly


def told(step_seconds: float, **changes: Any) -> str:
    given = {"name": "draft", "done": 0, "steps": 100, "seconds": None, "seconds_done": 0.0}
    return outlook(step_seconds, **{**given, **changes})


def test_slow_first_steps_and_a_single_slow_one_do_not_count() -> None:
    assert pace([9.0] * SKIPPED + [2.0, 7.0, 3.0]) == 3.0
    assert pace([9.0] * SKIPPED + [2.0, 7.0, 3.0, 50.0]) == 3.0


def test_pace_is_unknown_until_enough_steps_are_timed() -> None:
    assert pace([1.0] * (SKIPPED + TIMED - 1)) is None


def test_slow_machine_is_timed_by_fewer_steps() -> None:
    assert pace([30.0, 20.0, 14.0]) == 14.0
    assert pace([3.0, 3.0, 2.7]) is None
    assert pace([3.0, 3.0, 2.7, 2.5]) == pytest.approx(2.6)


def test_outlook_names_pace_settings_steps_and_time() -> None:
    assert told(2.7) == "2.7 s a step on this machine: draft, 100 steps, about 4 minutes"


def test_time_that_ends_a_training_early_is_told_with_the_step_it_reaches() -> None:
    expected = "draft, 100 steps, about 4 minutes, but `seconds=120` ends it at about step 44"
    assert told(2.7, seconds=120.0).endswith(expected)


def test_time_that_is_enough_is_not_mentioned() -> None:
    assert told(2.7, seconds=3600.0) == told(2.7)


def test_time_shorter_than_a_step_still_gives_one() -> None:
    assert told(2.7, seconds=1.0).endswith("ends it at about step 1")


def test_resumed_training_is_told_what_is_left() -> None:
    assert told(2.0, done=80).endswith("draft, 20 more steps, about 40 seconds")
    assert told(2.0, done=80, seconds_done=160.0, seconds=180.0).endswith("ends it at about step 90")
    assert told(2.0, done=99).endswith("1 more step, about 2 seconds")


def test_training_by_the_clock_alone_is_told_its_steps() -> None:
    assert told(0.5, steps=None, seconds=120.0).endswith("draft, about 240 steps in 2 minutes")
    assert told(0.5, steps=None, seconds=120.0, done=10, seconds_done=90.0).endswith(
        "60 more steps in 30 seconds"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 second"), (7.4, "7 seconds"), (42, "40 seconds"), (89, "90 seconds"), (95, "2 minutes"),
        (300, "5 minutes"), (89 * 60, "89 minutes"), (3 * 3600, "3 hours"), (5.2 * 86400, "5 days"),
    ],
)  # fmt: skip
def test_durations_are_rounded_as_one_speaks(seconds: float, text: str) -> None:
    assert roughly(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(2.74, "2.7"), (0.0312, "0.031"), (12.4, "12"), (9.97, "10")])
def test_pace_has_two_digits(seconds: float, text: str) -> None:
    assert per_step(seconds) == f"{text} s a step"
