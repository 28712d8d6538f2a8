import pytest

from sinct.errors import Interrupted
from sinct.runtime.budget import Budget


class Clock:
    """A clock that a test moves."""

    def __init__(self, monkeypatch) -> None:
        self.now = 0.0
        monkeypatch.setattr("sinct.runtime.budget.time.monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    return Clock(monkeypatch)


def test_stage_gives_all_iterations_without_a_limit():
    assert list(Budget().stage(1.0, 5)) == [0, 1, 2, 3, 4]


def test_stage_ends_when_its_share_of_the_time_is_over(clock):
    budget, counts = Budget(10), []
    for share in (0.3, 0.7):
        count = 0
        for _ in budget.stage(share, 100):
            clock.now += 1
            count += 1
        counts.append(count)
    assert counts == [3, 7]


def test_time_of_the_iterations_is_told_without_what_lies_between_them(clock):
    budget = Budget()
    for _ in range(2):
        clock.now += 100  # loading
        for _ in budget.stage(0.5, 3):
            clock.now += 1
    assert budget.worked == 6


def test_unused_time_passes_on(clock):
    budget = Budget(10)
    for _ in budget.stage(0.5, 1):
        clock.now += 1
    count = 0
    for _ in budget.stage(0.5, 100):
        clock.now += 1
        count += 1
    assert count == 9


def test_first_iteration_is_always_given(clock):
    budget = Budget(10)
    clock.now = 1000
    assert list(budget.stage(0.5, 7)) == [0]


def test_iterations_are_a_limit_of_every_stage():
    budget = Budget(iterations=2)
    assert [list(budget.stage(0.5, most)) for most in (5, 1)] == [[0, 1], [0]]


def test_progress_never_falls_and_stays_in_its_stage(clock):
    seen: list[float] = []
    budget = Budget(10, report=seen.append)
    for share, most in ((0.2, 4), (0.8, 50)):
        for _ in budget.stage(share, most):
            clock.now += 0.4
    assert seen == sorted(seen)
    assert 0 == seen[0] < seen[-1] <= 1


def test_stop_is_noticed_before_the_next_iteration():
    budget = Budget(should_stop=lambda: True)
    with pytest.raises(Interrupted, match="stopped as asked"):
        next(budget.stage(1.0, 3))
