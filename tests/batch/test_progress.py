"""How a batch stands while it runs, and how it ended."""

import pytest

from sinct.batch.coordinator import run_batch
from sinct.batch.progress import Pace
from tests.support.batch_fake import Fake, failing


def test_time_left_follows_from_the_pace_so_far(monkeypatch):
    now = iter([100.0, 160.0])
    monkeypatch.setattr("sinct.batch.progress.time.monotonic", lambda: next(now))
    assert Pace().remaining(1.5, 3.0) == pytest.approx(120.0)


def test_time_left_is_not_guessed_from_next_to_nothing():
    assert Pace().remaining(0.04, 3.0) is None


def test_progress_counts_what_is_done_failed_and_running(collection, out):
    told = []
    run_batch(collection(), out, Fake({"p1": [failing()]}), on_progress=told.append)
    assert {progress.total for progress in told} == {3}
    assert (told[-1].done, told[-1].failed, told[-1].running) == (2, 1, {})
    assert any(progress.running == {"p0": (0.5, 10.0)} for progress in told)
    assert [progress.note for progress in told if progress.note] == [
        "p0: done", "p1: failed: no luck", "p2: done",
    ]  # fmt: skip
