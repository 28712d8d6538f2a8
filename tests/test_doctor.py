"""How fast this machine trains, as `sinct doctor` measures it."""

import re
from collections.abc import Iterator

import pytest
import torch

import sinct
from sinct import Config, doctor
from sinct.doctor import measure, median_time, strokes_in_words
from tests.conftest import MakePicture

CPU = torch.device("cpu")


class Clock:
    """A clock that only steps move on, each by its own duration."""

    def __init__(self, durations: list[float]) -> None:
        self.now = 0.0
        self.durations = durations

    def steps(self) -> Iterator[None]:
        for duration in self.durations:
            self.now += duration
            yield

    def __call__(self) -> float:
        return self.now


def test_median_of_the_steps_within_the_time() -> None:
    clock = Clock([1.0, 0.2, 0.9, 1.1, 99.0])  # 3.2 s after four of them
    assert median_time(clock.steps(), clock) == pytest.approx(0.95)


def test_slow_step_is_timed_alone() -> None:
    clock = Clock([50.0, 1.0])
    assert median_time(clock.steps(), clock) == 50.0


def test_fast_steps_are_few() -> None:
    clock = Clock([0.01] * 100)
    median_time(clock.steps(), clock)
    assert clock.now == pytest.approx(0.01 * doctor.MOST)


def test_operations_are_the_average_over_r1s_interval(tiny: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "median_time", lambda steps, clock: 2.0)
    often, seldom = (measure(tiny.replace(r1_interval=interval), CPU) for interval in (1, 100))
    assert often.gflop > 1.05 * seldom.gflop > 0
    assert often.step == 2.0
    assert often.ceiling > 0


def test_nothing_is_timed_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "measure", lambda *_: pytest.fail("timed"))
    assert "speed" not in doctor.examine("cpu")


def test_strokes_of_a_painting_are_told(make_picture: MakePicture) -> None:
    facts = doctor.examine("cpu", painting=make_picture(width=90, height=70))
    assert facts["painting"] == "90x70 px"
    assert re.fullmatch(
        r"about [\d.]+ px wide, from [\d.]+ to [\d.]+ px in eight tenths of the painting; "
        r"[\d.]+ px in its upper half, [\d.]+ px in its lower half",
        facts["strokes"],
    )


@pytest.mark.parametrize(("width", "height"), [(1, 1), (300, 1), (1, 300)])
def test_strokes_of_a_tiny_painting_are_told(width: int, height: int, make_picture: MakePicture) -> None:
    facts = doctor.examine("cpu", painting=make_picture(width=width, height=height))
    assert facts["strokes"].startswith("about ")
    assert "nan" not in facts["strokes"]


def test_without_a_painting_nothing_is_said_of_strokes() -> None:
    assert not {"painting", "strokes"} & doctor.examine("cpu").keys()


def test_missing_painting_is_told() -> None:
    with pytest.raises(sinct.InputError, match=r"none\.png does not exist; check the path"):
        doctor.examine("cpu", painting="none.png")


def test_widths_are_told_in_all_and_by_halves() -> None:
    widths = torch.tensor([[1.0] * 10, [3.0] * 10, [3.0] * 10])
    assert strokes_in_words(widths) == (
        "about 3.0 px wide, from 1.0 to 3.0 px in eight tenths of the painting; "
        "1.0 px in its upper half, 3.0 px in its lower half"
    )


@pytest.mark.parametrize("columns", [1, 40])
def test_a_single_row_of_widths_has_no_halves(columns: int) -> None:
    told = strokes_in_words(torch.full((1, columns), 2.0))
    assert told == "about 2.0 px wide, from 2.0 to 2.0 px in eight tenths of the painting"


def test_very_many_widths_are_sampled() -> None:
    """`quantile` takes no more than 2 ** 24."""
    assert strokes_in_words(torch.full((4097, 4097), 2.0)).startswith("about 2.0 px wide")
