"""Names and disks that no page should fail on."""

import errno
import json
import os
from pathlib import Path

import pytest

from sinct.studio.folder import free_output
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
