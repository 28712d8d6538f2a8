"""How fast this machine trains, as `sinct doctor` measures it."""

from collections.abc import Iterator

import pytest
import torch

from sinct import Config, doctor
from sinct.doctor import measure, median_time

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
