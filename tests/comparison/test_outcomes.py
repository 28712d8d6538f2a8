"""Outcomes that are kept, made anew, or come from a process of their own."""

import shutil
import sys

import pytest

from sinct.comparison import outcomes
from sinct.comparison.compare import compare
from sinct.comparison.outcomes import outcome_of
from sinct.comparison.worker import Outcome
from sinct.errors import Interrupted
from tests.support.comparison import CONTROLS, make_request, quick, stand_in


def test_same_call_again_keeps_what_is_there(tmp_path, pair, monkeypatch):
    first = quick(pair, tmp_path / "out", names=[])
    monkeypatch.setattr(outcomes, "perform", lambda *_args, **_options: pytest.fail("was done before"))
    again = quick(pair, tmp_path / "out", names=[])
    assert again.comparison == first.comparison


def test_result_that_is_there_needs_its_weights_no_more(tmp_path, pair, monkeypatch):
    monkeypatch.setattr(outcomes, "perform", stand_in(pair[0]))
    monkeypatch.setattr(outcomes, "_fetched", lambda names: None)
    first = quick(pair, tmp_path / "out", names=["gatys"])
    monkeypatch.setattr(outcomes, "_fetched", lambda names: pytest.fail("was done before"))
    assert quick(pair, tmp_path / "out", names=["gatys"]).comparison == first.comparison


def test_weights_that_cannot_be_fetched_are_a_row(tmp_path, pair, monkeypatch):
    monkeypatch.setattr(outcomes, "_fetched", lambda names: "no network" if names else None)
    done = quick(pair, tmp_path / "out", names=["wct2"])
    assert [row.reason for row in done.comparison.results if not row.control] == ["no network"]


def test_another_seed_is_another_request(tmp_path, pair, monkeypatch):
    quick(pair, tmp_path / "out", names=[])
    asked: list[str] = []
    monkeypatch.setattr(outcomes, "perform", stand_in(pair[0], asked))
    quick(pair, tmp_path / "out", names=[], seed=1)
    assert asked == CONTROLS


def test_failed_method_is_tried_again(tmp_path, pair, monkeypatch):
    monkeypatch.setattr(outcomes, "perform", lambda *_args, **_options: Outcome("broken", 1.0, None, "cpu"))
    first = quick(pair, tmp_path / "out", names=[])
    assert {row.reason for row in first.comparison.results} == {"broken"}
    monkeypatch.undo()
    assert {row.reason for row in quick(pair, tmp_path / "out", names=[]).comparison.results} == {None}


def test_process_tells_progress_time_and_memory(tmp_path, pair):
    shares: list[float] = []
    outcome = outcome_of(
        make_request(tmp_path, pair, "painting"), tmp_path / "work", isolate=True, report=shares.append,
        should_stop=lambda: False,
    )  # fmt: skip
    assert outcome.reason is None
    assert outcome.seconds > 0
    assert outcome.memory is None or outcome.memory > 10_000_000
    assert (tmp_path / "work" / "output.png").exists()
    assert Outcome.load(tmp_path / "work" / "outcome.json") == outcome


@pytest.mark.slow
def test_stop_reaches_a_process_that_trains(tmp_path, pair, tiny_gan):
    shares: list[float] = []
    request = make_request(tmp_path, pair, "sinct", iterations=1_000_000, settings=tiny_gan)
    folder = tmp_path / "work"
    with pytest.raises(Interrupted):
        outcome_of(request, folder, isolate=True, report=shares.append, should_stop=lambda: len(shares) > 1)
    assert (folder / "run" / "checkpoint.safetensors").exists()  # so that it can go on


@pytest.mark.skipif(shutil.which("false") is None, reason="needs a program that fails")
def test_killed_worker_is_reported_and_the_others_go_on(tmp_path, pair, monkeypatch):
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    done = compare(*pair, tmp_path / "out", names=[], device="cpu")
    reasons = {row.reason for row in done.comparison.results}
    assert all(reason and reason.startswith("its process ended with code 1 (see ") for reason in reasons)
