"""Batches: what is done, retried, found stale or lost, and that a kill at any moment costs next to nothing."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

import sinct
from sinct.batch.collection import SERIES, read_collection
from sinct.batch.coordinator import ledger_path, preview, run_batch, run_folder
from sinct.batch.ledger import Ledger, State, read_entries
from sinct.batch.local_workers import Event, LocalWorkers, Slot, local_slots
from sinct.batch.perform import Outcome, perform
from sinct.batch.settings import Settings
from sinct.batch.storage import sha256
from tests.support.batch_fake import Fake, failing, make_collection

TINY = {
    "width": 4, "discriminator_widths": [4, 8, 8], "projection_dimensions": 8, "crops": 2, "identity_crops": 2,
    "crop_size": 32, "tile_size": 16, "min_width": 32, "max_width": 48, "queries": 4, "r1_interval": 2,
    "mixed_precision": False,
}  # fmt: skip
"""The method in its smallest form, as changes of a preset."""

SETTINGS = Settings("draft", steps=4, changes=TINY)


@pytest.fixture
def collection(make_picture, tmp_path):
    """Three paintings and a photo, as entries."""
    make_collection(make_picture, tmp_path, "p{}")

    def entries(settings=SETTINGS, **options):
        options = {"photo": [str(tmp_path / "photo.png")], **options}
        jobs = read_collection(
            str(tmp_path / "paintings"), str(tmp_path / "out"), settings, cache=tmp_path / "cache", **options
        )
        return [job.entry() for job in jobs]

    return entries


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def states(summary):
    return {entry.name: entry.state.value for entry in summary.entries}


# What is done ---------------------------------------------------------------------------------------------


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
    assert [request.name for request in again.requests] == ["p1"]
    again = Fake()
    run_batch(collection(replace(SETTINGS, seed=5)), out, again)
    assert [request.name for request in again.requests] == ["p0", "p1", "p2"]


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
    entries = collection()
    run_batch(entries, out, Fake())
    (tmp_path / "paintings" / "p0.png").unlink()
    assert states(run_batch(entries, out, Fake()))["p0"] == "done"


def test_job_that_left_the_collection_is_listed_no_more(collection, out):
    run_batch(collection(), out, Fake())
    assert len(run_batch(collection()[:2], out, Fake()).entries) == 2


# What fails -----------------------------------------------------------------------------------------------


def test_failure_is_tried_again_after_the_others_and_then_reported(collection, out):
    workers = Fake({"p0": [failing(again=True)]})
    summary = run_batch(collection(), out, workers, retries=2)
    assert [request.name for request in workers.requests] == ["p0", "p1", "p2", "p0", "p0"]
    assert states(summary) == {"p0": "failed", "p1": "done", "p2": "done"}
    assert summary.entries[0].error == "no luck"
    again = Fake()
    run_batch(collection(), out, again)
    assert again.requests == []  # its attempts are used up
    assert run_batch(None, out, again, again=["p0"]).made == ("p0",)


def test_failure_that_no_attempt_would_mend_is_not_tried_again(collection, out, make_picture):
    workers = Fake({"p0": [failing()]})
    run_batch(collection(), out, workers)
    assert [request.name for request in workers.requests] == ["p0", "p1", "p2"]
    again = Fake()
    run_batch(collection(), out, again)
    assert again.requests == []
    make_picture("paintings/p0.png", seed=31)
    assert run_batch(collection(), out, again).made == ("p0",)


def test_missing_painting_costs_its_job_and_is_done_when_it_is_there(collection, out, tmp_path, make_picture):
    entries = collection()
    (tmp_path / "paintings" / "p1.png").unlink()
    summary = run_batch(entries, out, Fake())
    assert states(summary) == {"p0": "done", "p1": "failed", "p2": "done"}
    assert "cannot read" in summary.entries[1].error
    make_picture("paintings/p1.png")
    assert run_batch(entries, out, Fake()).made == ("p1",)


def test_job_without_memory_runs_alone_and_then_smaller(collection, out):
    lack = failing("out of memory", again=True, out_of_memory=True)
    workers = Fake({"p0": [lack, lack, None]}, places=3)
    summary = run_batch(collection(), out, workers)
    assert states(summary)["p0"] == "done"
    assert [request.halvings for request in workers.requests if request.name == "p0"] == [0, 0, 1]


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
    assert [request.kind for request in workers.requests] == ["series", "apply", "apply", "apply"]
    assert workers.requests[1].model == str(run_folder(out, SERIES).resolve() / "run")
    assert summary.count(State.done) == 4


def test_jobs_of_a_series_fail_with_it(collection, out):
    summary = run_batch(collection(shared_model=True), out, Fake({SERIES: [failing()]}))
    assert summary.count(State.failed) == 4
    assert f"{SERIES} failed, whose model it needs" in summary.entries[1].error


# Interruptions ----------------------------------------------------------------------------------------------


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
    done = Outcome(request.key, figures={"steps": 4}, output_sha256=sha256(request.output))
    run_folder(out, "p0").mkdir(parents=True)
    done.save(run_folder(out, "p0") / "outcome.json")
    with sqlite3.connect(ledger_path(out)) as database:
        database.execute("UPDATE jobs SET state = 'running' WHERE name IN ('p0', 'p1')")
    again = Fake()
    summary = run_batch(collection(), out, again)
    assert [request.name for request in again.requests] == ["p1"]
    assert summary.entries[0].figures == {"steps": 4}


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
        patch.setattr(Ledger, "start", until_killed(Ledger.start))
        patch.setattr(Ledger, "update", until_killed(Ledger.update))
        first = Fake({"p1": [failing(again=True), None]})
        with suppress(Killed):
            run_batch(collection(), out, first)
    again = Fake()
    summary = run_batch(collection(), out, again)
    assert states(summary) == dict.fromkeys(["p0", "p1", "p2"], "done")
    for request in first.requests + again.requests:
        assert Path(request.output).read_text() == f"{request.name} {request.key}"
    twice = [request.name for request in first.requests + again.requests]
    assert len(twice) <= 3 + 1 + 1  # one failed, one was cut off


def test_one_batch_at_a_time(collection, out):
    import filelock

    ledger_path(out).parent.mkdir(parents=True)
    with (
        filelock.FileLock(out / ".sinct" / "lock"),
        pytest.raises(sinct.OutputError, match="another sinct works on"),
    ):
        run_batch(collection(), out, Fake())


def test_damaged_or_foreign_ledger_is_told(collection, out):
    run_batch(collection(), out, Fake())
    with sqlite3.connect(ledger_path(out)) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(sinct.InputError, match="ledger of version 99"):
        Ledger(ledger_path(out))
    for file in (out / ".sinct").glob("ledger.sqlite*"):
        file.unlink()
    ledger_path(out).write_bytes(b"no database at all" * 100)
    with pytest.raises(sinct.InputError, match="no ledger or damaged"):
        run_batch(collection(), out, Fake())


def test_folder_without_a_batch_is_told(tmp_path):
    with pytest.raises(sinct.InputError, match="holds no batch"):
        read_entries(ledger_path(tmp_path))


def test_preview_changes_nothing_and_says_what_is_left(collection, out, make_picture):
    assert {entry.state for entry in preview(collection(), out)} == {State.waiting}
    assert not out.exists()
    run_batch(collection(), out, Fake({"p0": [failing()]}))
    make_picture("paintings/p1.png", seed=3)
    found = [entry.state.value for entry in preview(collection(), out)]
    assert found == ["failed", "waiting", "done"]


def test_places_are_spread_over_the_cores(monkeypatch):
    import torch

    monkeypatch.setattr("sinct.batch.local_workers.cores", lambda: 8)
    assert local_slots(torch.device("cpu"), None) == [Slot("cpu", 2)] * 4
    assert local_slots(torch.device("cpu"), 3) == [Slot("cpu", 2)] * 3


# Real work --------------------------------------------------------------------------------------------------


def request_of(entry, out, **values):
    from sinct.batch.perform import Request

    return Request(
        entry.name, entry.job["kind"], tuple(entry.job["paintings"]), entry.photos, entry.output,
        str(run_folder(out, entry.name)), entry.job["settings"], "key", device="cpu", **values,
    )  # fmt: skip


def test_work_stopped_and_continued_gives_the_same_picture(collection, out):
    entry = collection(replace(SETTINGS, steps=20))[0]
    straight = perform(request_of(entry, out), report=lambda *_: None, should_stop=lambda: False)
    first = Path(entry.output).read_bytes()
    assert straight.reason is None
    assert straight.figures["steps"] == 20
    assert straight.output_sha256 == sha256(entry.output)
    kept = {path.name for path in (run_folder(out, entry.name) / "run").iterdir()}
    assert "model.safetensors" in kept
    assert "checkpoint.safetensors" not in kept
    shutil.rmtree(out)
    asked = iter(range(100))
    with pytest.raises(sinct.errors.Interrupted):
        perform(request_of(entry, out), report=lambda *_: None, should_stop=lambda: next(asked) > 6)
    assert perform(request_of(entry, out), report=lambda *_: None, should_stop=lambda: False).reason is None
    assert Path(entry.output).read_bytes() == first


def test_work_asked_for_otherwise_begins_anew(collection, out):
    entry = collection()[0]
    perform(request_of(entry, out), report=lambda *_: None, should_stop=lambda: False)
    halved = perform(request_of(entry, out, halvings=1), report=lambda *_: None, should_stop=lambda: False)
    assert halved.reason is None
    assert any("for want of memory" in text for text in halved.warnings)


def test_faults_of_work_are_told_as_outcomes(collection, out, tmp_path):
    entry = collection()[0]
    (tmp_path / "paintings" / "p0.png").write_bytes(b"no picture")
    outcome = perform(request_of(entry, out), report=lambda *_: None, should_stop=lambda: False)
    assert "p0.png is no picture" in outcome.reason
    assert not outcome.again


def test_job_waits_for_an_earlier_process_of_its_own(collection, out, monkeypatch):
    import filelock

    request = request_of(collection()[0], out)
    Path(request.folder).mkdir(parents=True)
    with filelock.FileLock(Path(request.folder) / "lock"):
        with pytest.raises(sinct.errors.Interrupted):
            perform(request, report=lambda *_: None, should_stop=lambda: True)
        monkeypatch.setattr("sinct.batch.perform.PATIENCE", 0.0)
        outcome = perform(request, report=lambda *_: None, should_stop=lambda: False)
    assert "another process still works on it" in outcome.reason
    assert outcome.again


def test_full_disk_is_told_and_may_go_better_another_time(collection, out, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    entry = collection()[0]
    monkeypatch.setattr("sinct.runtime.files.tempfile.mkstemp", full)
    outcome = perform(request_of(entry, out), report=lambda *_: None, should_stop=lambda: False)
    assert "No space left on device; choose another place or make room" in outcome.reason
    assert outcome.again
    monkeypatch.undo()
    assert perform(request_of(entry, out), report=lambda *_: None, should_stop=lambda: False).reason is None


def test_painting_that_vanishes_while_it_is_worked_on_costs_its_job(collection, out, tmp_path):
    class Vanishing(Fake):
        def start(self, request, need):
            if request.name == "p1":
                Path(request.paintings[0]).unlink()
                outcome = perform(request, report=lambda *_: None, should_stop=lambda: False)
                self.events.append(Event(request.name, 1.0, outcome=outcome, ended=True))
            else:
                super().start(request, need)

    summary = run_batch(collection(), out, Vanishing())
    assert states(summary) == {"p0": "done", "p1": "failed", "p2": "done"}
    assert "p1.png does not exist" in summary.entries[1].error


def test_inputs_and_outputs_may_be_urls(collection, out, tmp_path):
    import fsspec

    entry = collection()[0]
    expected = perform(request_of(entry, out), report=lambda *_: None, should_stop=lambda: False)
    system = fsspec.filesystem("memory")
    system.put_file(entry.painting, "/in/p0.png")
    remote = replace(
        entry, job={**entry.job, "paintings": ["memory://in/p0.png"]}, output="memory://out/deep/p0.png"
    )
    outcome = perform(
        replace(request_of(remote, out), folder=str(tmp_path / "elsewhere")),
        report=lambda *_: None, should_stop=lambda: False,
    )  # fmt: skip
    assert outcome.reason is None
    assert outcome.output_sha256 == expected.output_sha256
    assert system.cat_file("/out/deep/p0.png") == Path(entry.output).read_bytes()


def command(*arguments):
    return [sys.executable, "-m", "cli", "batch", *map(str, arguments)]


def arguments_of(tmp_path, out, steps):
    changes = [f"--set={name}={json.dumps(value)}" for name, value in TINY.items()]
    return [
        tmp_path / "paintings", "--photo", tmp_path / "photo.png", "-o", out, "--preset", "draft", "--steps", steps,
        "--workers", 2, "--device", "cpu", *changes,
    ]  # fmt: skip


def kill_all(process):
    """A coordinator and all its workers at once, as a power cut does."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    found = [int(number) for number in children.read_text().split()]
    for number in (process.pid, *found):
        try:
            os.kill(number, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's /proc")
def test_twelve_pictures_survive_three_kills(tmp_path, make_picture):
    """Ten outputs as those of an undisturbed run, two reasons, and a second run that does nothing."""
    (tmp_path / "paintings").mkdir()
    for number in range(10):
        make_picture(f"paintings/p{number}.png", 60 + number, 45, seed=number)
    (tmp_path / "paintings" / "cut.png").write_bytes((tmp_path / "paintings" / "p0.png").read_bytes()[:300])
    (tmp_path / "paintings" / "wrong.jpg").write_text("no picture")
    make_picture("photo.png", seed=99)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    straight = subprocess.run(
        command(*arguments_of(tmp_path, tmp_path / "straight", 60), "--json"),
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert straight.returncode == 3, straight.stderr
    random.seed(0)
    killed = tmp_path / "killed"
    for _ in range(3):
        process = subprocess.Popen(
            command(*arguments_of(tmp_path, killed, 60), "--quiet"),
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        before = done_in(killed)
        deadline = time.monotonic() + 120
        while process.poll() is None and done_in(killed) <= before and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(random.uniform(0, 2))
        assert process.poll() is None, "it ended before it was killed"
        kill_all(process)
    end = subprocess.run(
        command(*arguments_of(tmp_path, killed, 60), "--json"),
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert end.returncode == 3, end.stderr
    told = json.loads(end.stdout)
    assert (told["done"], told["failed"]) == (10, 2)
    reasons = {job["name"]: job["error"] for job in told["jobs"] if job["state"] == "failed"}
    assert set(reasons) == {"cut", "wrong"}
    assert all(reasons.values())
    for number in range(10):
        made, expected = (folder / f"p{number}.png" for folder in (killed, tmp_path / "straight"))
        assert made.read_bytes() == expected.read_bytes()
    began = time.monotonic()
    second = subprocess.run(
        command(*arguments_of(tmp_path, killed, 60), "--json"),
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert json.loads(second.stdout)["made"] == []
    assert time.monotonic() - began < 30


def done_in(out):
    if not ledger_path(out).exists():
        return 0
    try:
        return sum(entry.state is State.done for entry in read_entries(ledger_path(out)))
    except (sinct.InputError, sinct.OutputError):
        return 0


@pytest.mark.slow
def test_shared_model_is_trained_once(collection, out):
    summary = run_batch(collection(shared_model=True), out, LocalWorkers([Slot("cpu", 1)]))
    assert summary.count(State.done) == 4, [entry.error for entry in summary.entries]
    assert (run_folder(out, SERIES) / "run" / "model.safetensors").exists()
    assert all((out / f"p{number}.png").exists() for number in range(3))
    assert not (run_folder(out, "p0") / "run").exists()


@pytest.mark.slow
def test_process_that_dies_is_one_failed_attempt(collection, out, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    summary = run_batch(collection()[:1], out, LocalWorkers([Slot("cpu", 1)]), retries=0)
    assert "its process ended with code 1" in summary.entries[0].error
