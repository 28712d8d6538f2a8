"""Names and disks that no page should fail on."""

import errno
import json
import os
from pathlib import Path

import pytest

from sinct.errors import OutputError
from sinct.studio.folder import free_output
from sinct.studio.processes import Busy
from sinct.studio.run import Job, State, StudioRun
from sinct.studio.worker import Teller, train
from tests.support.studio import make_studio, serving


@pytest.fixture
def folder(make_picture, tmp_path) -> Path:
    (tmp_path / "folder").mkdir()
    make_picture("folder/painting.png")
    make_picture("folder/photo.png", 64, 50, seed=1)
    return tmp_path / "folder"


def test_a_name_that_is_no_utf8_does_not_close_the_whole_folder(folder, tiny):
    unnamed = os.fsdecode(b"caf\xe9")
    try:
        (folder / f"{unnamed}.png").write_bytes((folder / "painting.png").read_bytes())
    except OSError:
        pytest.skip("file systems here take UTF-8 alone")
    run = folder / f"{unnamed}.sinct"
    run.mkdir()
    (run / "config.json").write_text("{}")
    told = folder / "told.sinct"
    told.mkdir()
    (told / "config.json").write_text(json.dumps({"painting": f"{unnamed}.png", "photos": ["photo.png"]}))
    with serving(make_studio(folder, tiny)) as served, served.client() as client:
        found = client.get("/api/overview").json()
        assert set(found["pictures"]) == {"painting.png", "photo.png"}
        assert [each["painting"] for each in found["runs"]] == ["caf?.png"]
        assert client.get("/api/runs/told.sinct").status_code == 200


def test_a_name_that_just_fits_the_disk_gives_a_run(folder, tiny):
    painting = "x" * 251 + ".png"
    (folder / "painting.png").rename(folder / painting)
    output = free_output(folder, painting)
    assert not (folder / output).with_suffix(".sinct").exists()
    assert len(output) < 255 - 2 * len(".sinct")


def test_a_fault_of_the_disk_is_one_line(folder, tiny, monkeypatch):
    def denied(*arguments, **options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(folder / "studio"))

    studio = make_studio(folder, tiny)
    monkeypatch.setattr(studio, "overview", denied)
    with serving(studio) as served, served.client() as client:
        answer = client.get("/api/overview")
    assert answer.status_code == 507
    assert answer.json()["error"] == f"studio: {os.strerror(errno.EROFS)}; check the folder and the disk"


@pytest.mark.parametrize("error", [OutputError("the disk is full"), Busy("a batch has begun meanwhile")])
def test_a_start_that_fails_leaves_no_run(folder, tiny, monkeypatch, error):
    def refuse(*given):
        raise error

    studio = make_studio(folder, tiny)
    monkeypatch.setattr(studio.processes, "start", refuse)
    with pytest.raises(type(error), match=str(error)):
        studio.start("painting.png", ["photo.png"], "draft")
    assert not list(folder.glob("*.sinct"))


def test_what_a_process_tells_of_a_run_that_is_gone_does_not_bring_it_back(folder):
    run = StudioRun(folder / "gone.sinct")
    with pytest.raises(FileNotFoundError):
        run.write_state(State("training"))
    with pytest.raises(FileNotFoundError):
        Teller(run)
    assert not run.path.exists()


def test_a_preview_that_brings_a_folder_back_makes_no_run_of_it(folder):
    run = StudioRun(folder / "gone.sinct")
    run.path.mkdir()
    (run.path / "preview.png").touch()
    with pytest.raises(FileNotFoundError, match=r"gone\.sinct"):
        Teller(run)
    assert not run.place.exists()


def test_a_full_disk_is_told_on_the_page_of_the_run(tmp_path, tiny, make_picture, monkeypatch):
    make_picture("a.png"), make_picture("b.png", seed=1)
    run = StudioRun(tmp_path / "a-photo.sinct")
    run.write_job(Job("a.png", ("b.png",), "a-photo.png", "draft", tiny.to_dict()))

    def full(*given, **options):
        raise OutputError("cannot write a.png: No space left on device; free some space")

    monkeypatch.setattr("sinct.translate", full)
    train(run, should_stop=lambda: False, resume=False)
    assert run.state().phase == "failed"
    assert "No space left on device" in run.state().message
