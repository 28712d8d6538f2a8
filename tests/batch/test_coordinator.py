"""Batches: what is done, retried, found stale or lost, and that an end at any moment costs next to nothing."""

import os
import sqlite3
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

import sinct
from sinct.batch.coordinator import run_batch
from sinct.batch.jobs import SERIES, Outcome
from sinct.batch.ledger import Ledger, State, ledger_path, run_folder
from sinct.batch.perform import perform
from sinct.batch.places import Event
from sinct.batch.storage import sha256
from sinct.runtime.locks import LOCK
from tests.support.batch_fake import SETTINGS, Fake, failing, states

# What is done


def test_all_jobs_are_done_and_nothing_twice(collection, out):
    summary = run_batch(collection(), out, Fake())
    assert states(summary) == dict.fromkeys(["p0", "p1", "p2"], "done")
    again = Fake()
    assert run_batch(collection(), out, again).made == ()
    assert again.requests == []
    assert run_batch(collection(), out, again, verify=True).made == ()


def test_changed_input_or_setting_makes_its_job_stale_and_no_other(collection, out, make_picture):
    run_batch(collection(), out, Fake())
    make_picture("paintings/p1.png", seed=77)
    again = Fake()
    run_batch(collection(), out, again)
    assert [request.job.name for request in again.requests] == ["p1"]
    again = Fake()
    run_batch(collection(replace(SETTINGS, seed=5)), out, again)
    assert [request.job.name for request in again.requests] == ["p0", "p1", "p2"]


def test_touched_input_is_read_again_and_not_stale(collection, out, tmp_path):
    run_batch(collection(), out, Fake())
    os.utime(tmp_path / "paintings" / "p1.png", (1, 1))
    assert run_batch(collection(), out, Fake()).made == ()


def test_lost_output_is_made_again(collection, out):
    run_batch(collection(), out, Fake())
    (out / "p2.png").unlink()
    assert run_batch(collection(), out, Fake()).made == ("p2",)


def test_output_that_someone_changed_is_not_overwritten_unasked(collection, out):
    run_batch(collection(), out, Fake())
    (out / "p2.png").write_text("retouched by hand")
    summary = run_batch(collection(), out, Fake())
    assert states(summary)["p2"] == "failed"
    assert "was changed after it was finished" in summary.entries[2].error
    assert (out / "p2.png").read_text() == "retouched by hand"
    assert run_batch(None, out, Fake(), again=["p2"]).made == ("p2",)


def test_done_job_stays_done_when_its_painting_is_gone(collection, out, tmp_path):
    jobs = collection()
    run_batch(jobs, out, Fake())
    (tmp_path / "paintings" / "p0.png").unlink()
    assert states(run_batch(jobs, out, Fake()))["p0"] == "done"


def test_job_that_left_the_collection_is_listed_no_more(collection, out):
    run_batch(collection(), out, Fake())
    assert len(run_batch(collection()[:2], out, Fake()).entries) == 2


# What fails


def test_failure_is_tried_again_after_the_others_and_then_reported(collection, out):
    workers = Fake({"p0": [failing(again=True)]})
    summary = run_batch(collection(), out, workers, retries=2)
    assert [request.job.name for request in workers.requests] == ["p0", "p1", "p2", "p0", "p0"]
    assert states(summary) == {"p0": "failed", "p1": "done", "p2": "done"}
    assert summary.entries[0].error == "no luck"
    again = Fake()
    run_batch(collection(), out, again)
    assert again.requests == []  # its attempts are used up
    assert run_batch(None, out, again, again=["p0"]).made == ("p0",)


def test_failure_that_no_attempt_would_mend_is_not_tried_again(collection, out, make_picture):
    workers = Fake({"p0": [failing()]})
    run_batch(collection(), out, workers)
    assert [request.job.name for request in workers.requests] == ["p0", "p1", "p2"]
    again = Fake()
    run_batch(collection(), out, again)
    assert again.requests == []
    make_picture("paintings/p0.png", seed=31)
    assert run_batch(collection(), out, again).made == ("p0",)


def test_missing_painting_costs_its_job_and_is_done_when_it_is_there(collection, out, tmp_path, make_picture):
    jobs = collection()
    (tmp_path / "paintings" / "p1.png").unlink()
    summary = run_batch(jobs, out, Fake())
    assert states(summary) == {"p0": "done", "p1": "failed", "p2": "done"}
    assert "cannot read" in summary.entries[1].error
    make_picture("paintings/p1.png")
    assert run_batch(jobs, out, Fake()).made == ("p1",)


def test_painting_that_vanishes_while_it_is_worked_on_costs_its_job(collection, out, tmp_path):
    class Vanishing(Fake):
        def start(self, request, need):
            if request.job.name == "p1":
                Path(request.job.paintings[0]).unlink()
                outcome = perform(request, report=lambda *_: None, should_stop=lambda: False)
                self.events.append(Event(request.job.name, 1.0, outcome=outcome, ended=True))
            else:
                super().start(request, need)

    summary = run_batch(collection(), out, Vanishing())
    assert states(summary) == {"p0": "done", "p1": "failed", "p2": "done"}
    assert "p1.png does not exist" in summary.entries[1].error


def test_job_without_memory_runs_alone_and_then_smaller(collection, out):
    lack = failing("out of memory", again=True, out_of_memory=True)
    workers = Fake({"p0": [lack, lack, None]}, places=3)
    summary = run_batch(collection(), out, workers)
    assert states(summary)["p0"] == "done"
    assert [request.halvings for request in workers.requests if request.job.name == "p0"] == [0, 0, 1]


def test_jobs_start_together_only_where_memory_allows(collection, out, monkeypatch):
    monkeypatch.setattr("sinct.batch.estimate.memory_need", lambda entry, budget: 10)
    running = []

    class Watched(Fake):
        def wait(self, seconds):
            running.append(len([event for event in self.events if event.ended]))
            return super().wait(seconds)

    run_batch(collection(), out, Watched(places=3, free=25))
    assert max(running) == 2


def test_jobs_of_a_series_wait_for_its_model(collection, out):
    workers = Fake(places=4)
    summary = run_batch(collection(shared_model=True), out, workers)
    assert [request.job.kind for request in workers.requests] == ["series", "apply", "apply", "apply"]
    assert workers.requests[1].model == str(run_folder(out, SERIES).resolve() / "run")
    assert summary.count(State.done) == 4


def test_jobs_of_a_series_fail_with_it(collection, out):
    summary = run_batch(collection(shared_model=True), out, Fake({SERIES: [failing()]}))
    assert summary.count(State.failed) == 4
    assert f"it needs the model of {SERIES}, which failed" in summary.entries[1].error


# Interruptions


def test_stopped_jobs_wait_and_have_not_used_an_attempt(collection, out):
    answers = iter([False, True])
    summary = run_batch(collection(), out, Fake(stopped=True), should_stop=lambda: next(answers, True))
    assert summary.interrupted
    assert {entry.attempts for entry in summary.entries} == {0}
    assert {entry.state for entry in summary.entries} == {State.waiting}


def test_result_that_nobody_noted_is_found(collection, out):
    """The coordinator was killed between a job's end and the note of it."""
    workers = Fake()
    run_batch(collection(), out, workers)
    request = workers.requests[0]
    done = Outcome(request.key, figures={"steps": 4}, output_sha256=sha256(request.job.output))
    run_folder(out, "p0").mkdir(parents=True)
    done.save(run_folder(out, "p0") / "outcome.json")
    with sqlite3.connect(ledger_path(out)) as database:
        database.execute("UPDATE jobs SET state = 'running' WHERE name IN ('p0', 'p1')")
    again = Fake()
    summary = run_batch(collection(), out, again)
    assert [request.job.name for request in again.requests] == ["p1"]
    assert summary.entries[0].figures == {"steps": 4, "preset": "draft", "seed": 0}


@pytest.mark.parametrize("moment", range(10))
def test_end_at_any_change_of_the_ledger_loses_nothing(collection, out, monkeypatch, moment):
    class Killed(BaseException):
        pass

    changes = iter(range(100))

    def until_killed(change):
        def changed(*arguments, **values):
            if next(changes) == moment:
                raise Killed
            change(*arguments, **values)

        return changed

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "save", until_killed(Ledger.save))
        first = Fake({"p1": [failing(again=True), None]})
        with suppress(Killed):
            run_batch(collection(), out, first)
    again = Fake()
    summary = run_batch(collection(), out, again)
    assert states(summary) == dict.fromkeys(["p0", "p1", "p2"], "done")
    for request in first.requests + again.requests:
        assert Path(request.job.output).read_text() == f"{request.job.name} {request.key}"
    twice = [request.job.name for request in first.requests + again.requests]
    assert len(twice) <= 3 + 1 + 1  # one failed, one was cut off


def test_one_batch_at_a_time(collection, out):
    import filelock

    ledger_path(out).parent.mkdir(parents=True)
    with (
        filelock.FileLock(out / ".sinct" / LOCK),
        pytest.raises(sinct.OutputError, match=r"another sinct is working in .*choose another folder"),
    ):
        run_batch(collection(), out, Fake())
