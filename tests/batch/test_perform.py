"""One job from its inputs to its output, in this process."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

import sinct
from sinct.batch.jobs import Request
from sinct.batch.ledger import run_folder
from sinct.batch.perform import perform
from sinct.batch.storage import sha256
from sinct.inference.model import load_model
from sinct.inference.parts import PARTS
from sinct.pictures.decoding import read_header
from sinct.pictures.picture import read_picture
from tests.support.batch_fake import SETTINGS
from tests.support.profiles import made


def request_of(job, out, **values):
    return Request(job, **{"key": "key", "folder": str(run_folder(out, job.name)), "device": "cpu", **values})


def test_work_stopped_and_continued_gives_the_same_picture(collection, out):
    job = collection(replace(SETTINGS, steps=20))[0]
    straight = perform(request_of(job, out), report=lambda *_: None, should_stop=lambda: False)
    first = Path(job.output).read_bytes()
    assert straight.reason is None
    assert straight.figures["steps"] == 20
    assert straight.output_sha256 == sha256(job.output)
    kept = {path.name for path in (run_folder(out, job.name) / "run").iterdir()}
    assert "model.safetensors" in kept
    assert "checkpoint.safetensors" not in kept
    shutil.rmtree(out)
    asked = iter(range(100))
    with pytest.raises(sinct.errors.Interrupted):
        perform(request_of(job, out), report=lambda *_: None, should_stop=lambda: next(asked) > 6)
    assert perform(request_of(job, out), report=lambda *_: None, should_stop=lambda: False).reason is None
    assert Path(job.output).read_bytes() == first


def test_picture_of_a_job_keeps_the_profile_of_its_painting(collection, make_picture, out):
    job = collection(replace(SETTINGS, profile="keep"))[0]
    make_picture("paintings/p0.png", icc_profile=made("Display P3"))
    assert perform(request_of(job, out), report=lambda *_: None, should_stop=lambda: False).reason is None
    assert read_header(job.output).profile == made("Display P3")


def test_picture_of_a_job_keeps_what_was_asked_for(collection, make_picture, tmp_path, out):
    Image.new("L", (8, 8), 0).save(tmp_path / "black.png")
    for change, masks in (
        ({"strength": 0.0}, ()),
        ({"keep": PARTS}, ()),
        ({}, (str(tmp_path / "black.png"),)),
    ):
        job = replace(collection(replace(SETTINGS, steps=1, **change))[0], masks=masks)
        outcome = perform(
            request_of(job, out, key=str(change)), report=lambda *_: None, should_stop=lambda: False
        )
        assert outcome.reason is None
        assert torch.equal(read_picture(job.output).pixels, read_picture(job.paintings[0]).pixels)


def test_work_asked_for_otherwise_begins_anew(collection, out):
    job = collection()[0]
    perform(request_of(job, out), report=lambda *_: None, should_stop=lambda: False)
    halved = perform(request_of(job, out, halvings=1), report=lambda *_: None, should_stop=lambda: False)
    assert halved.reason is None
    assert any("for lack of memory" in text for text in halved.warnings)


def test_work_that_its_time_ended_says_so(collection, out, monkeypatch):
    ticks = iter(range(10**6))  # every step takes a second
    monkeypatch.setattr("sinct.training.loop.time", SimpleNamespace(monotonic=lambda: float(next(ticks))))
    request = request_of(collection(replace(SETTINGS, steps=20, seconds=3.0))[0], out, sharing=2)
    outcome = perform(request, report=lambda *_: None, should_stop=lambda: False)
    assert (outcome.reason, outcome.figures["steps"]) == (None, 6)
    assert (
        "its time was up at step 6 of 20; for all of them, leave out `seconds` or give more"
        in outcome.warnings
    )


def test_faults_of_work_are_told_as_outcomes(collection, out, tmp_path):
    job = collection()[0]
    (tmp_path / "paintings" / "p0.png").write_bytes(b"no picture")
    outcome = perform(request_of(job, out), report=lambda *_: None, should_stop=lambda: False)
    assert "p0.png is not a picture" in outcome.reason
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
    assert "another process is still working on it" in outcome.reason
    assert outcome.again


def test_full_disk_is_told_and_may_go_better_another_time(collection, out, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    job = collection()[0]
    monkeypatch.setattr("sinct.runtime.files.tempfile.mkstemp", full)
    outcome = perform(request_of(job, out), report=lambda *_: None, should_stop=lambda: False)
    assert "No space left on device; choose another place or free some space" in outcome.reason
    assert outcome.again
    monkeypatch.undo()
    assert perform(request_of(job, out), report=lambda *_: None, should_stop=lambda: False).reason is None


def test_unreadable_painting_costs_a_series_only_itself(collection, out, tmp_path):
    series = collection(shared_model=True)[0]
    alone = replace(series, paintings=series.paintings[1:])
    expected = perform(request_of(alone, out), report=lambda *_: None, should_stop=lambda: False)
    model = run_folder(out, series.name) / "run" / "model.safetensors"
    made = load_model(model, torch.device("cpu"))
    shutil.rmtree(out)
    (tmp_path / "paintings" / "p0.png").write_bytes(b"no picture")
    outcome = perform(request_of(series, out), report=lambda *_: None, should_stop=lambda: False)
    assert outcome.reason is None
    [warning] = [text for text in outcome.warnings if text not in expected.warnings]
    assert "not in the series: " in warning
    assert "p0.png is not a picture" in warning
    facts = json.loads((run_folder(out, series.name) / "run" / "config.json").read_text())
    assert facts["painting"] == ["p1.png", "p2.png"]
    for one, other in zip(
        load_model(model, torch.device("cpu")).generator.parameters(),
        made.generator.parameters(),
        strict=True,
    ):
        assert torch.equal(one, other)


def test_inputs_and_outputs_may_be_urls(collection, out, tmp_path):
    import fsspec

    job = collection()[0]
    expected = perform(request_of(job, out), report=lambda *_: None, should_stop=lambda: False)
    system = fsspec.filesystem("memory")
    system.put_file(job.paintings[0], "/in/p0.png")
    remote = replace(job, paintings=("memory://in/p0.png",), output="memory://out/deep/p0.png")
    outcome = perform(
        replace(request_of(remote, out), folder=str(tmp_path / "elsewhere")),
        report=lambda *_: None, should_stop=lambda: False,
    )  # fmt: skip
    assert outcome.reason is None
    assert outcome.output_sha256 == expected.output_sha256
    assert system.cat_file("/out/deep/p0.png") == Path(job.output).read_bytes()
