"""Batches whose jobs are processes on this machine."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import sinct
from sinct.batch.collection import read_collection
from sinct.batch.coordinator import run_batch
from sinct.batch.jobs import SERIES, Request
from sinct.batch.ledger import State, ledger_path, read_entries, run_folder
from sinct.batch.local_workers import LocalWorkers
from sinct.batch.perform import perform
from sinct.batch.places import Slot
from sinct.batch.settings import Settings
from tests.support.batch_fake import TINY

STEPS = 20
"""Of each training of the kill test: most of its time is the start of processes, so that kills meet all of a job."""


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


def undisturbed(paintings, photo, out):
    """The outputs of a batch that runs in this process, one job after another."""
    settings = Settings("draft", steps=STEPS, changes=TINY)
    for job in read_collection(str(paintings), str(out), settings, photo=[str(photo)], cache=out / "cache"):
        request = Request(job, job.name, str(out / "runs" / job.name), device="cpu", threads=1)
        perform(request, report=lambda share, remaining: None, should_stop=lambda: False)


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
    straight = tmp_path / "straight"
    undisturbed(tmp_path / "paintings", tmp_path / "photo.png", straight)
    random.seed(0)
    killed = tmp_path / "killed"
    for _ in range(3):
        process = subprocess.Popen(
            command(*arguments_of(tmp_path, killed, STEPS), "--quiet"),
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
        command(*arguments_of(tmp_path, killed, STEPS), "--json"),
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert end.returncode == 3, end.stderr
    told = json.loads(end.stdout)
    assert (told["done"], told["failed"]) == (10, 2)
    reasons = {job["name"]: job["error"] for job in told["jobs"] if job["state"] == "failed"}
    assert set(reasons) == {"cut", "wrong"}
    assert all(reasons.values())
    for number in range(10):
        made, expected = (folder / f"p{number}.png" for folder in (killed, straight))
        assert made.read_bytes() == expected.read_bytes()
    began = time.monotonic()
    second = subprocess.run(
        command(*arguments_of(tmp_path, killed, STEPS), "--json"),
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
