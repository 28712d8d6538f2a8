"""`sinct batch` as a person uses it."""

import csv
import json
import sys

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.options import Match
from sinct.batch.collection import read_collection
from sinct.batch.coordinator import run_batch
from sinct.batch.matching import MATCHES
from sinct.batch.settings import Settings
from tests.support.batch_fake import Fake, failing, make_collection


@pytest.fixture
def folder(make_picture, tmp_path):
    make_collection(make_picture, tmp_path, "[p{}]")
    return tmp_path


@pytest.fixture
def workers(monkeypatch):
    """Put workers that only pretend in place of processes."""
    fake = Fake()
    monkeypatch.setattr("cli.batch._workers", lambda *_: fake)
    return fake


def sinct(*arguments):
    return CliRunner().invoke(app, ["batch", *map(str, arguments)])


def usual(folder, *more):
    return sinct(
        folder / "paintings", "--photo", folder / "photo.png", "-o", folder / "out", "--steps", 4, *more
    )


def test_folder_is_run_and_a_second_time_nothing_is_done(folder, workers):
    first = usual(folder)
    assert first.exit_code == 0, first.output
    assert "3 of 3 done, 0 failed" in first.stdout
    second = usual(folder)
    assert "3 of 3 done (3 of them earlier), 0 failed" in second.stdout
    assert len(workers.requests) == 3


def test_options_about_strokes_hold_for_every_painting(folder, workers):
    done = usual(folder, "--stroke", 6.5, "--faithful", 0.25, "--set", "stroke=3")
    assert done.exit_code == 0, done.output
    assert [request.job.settings.changes for request in workers.requests] == 3 * [
        {"stroke": 6.5, "faithful": 0.25}
    ]


def test_profile_is_asked_for_every_painting(folder, workers):
    assert usual(folder, "--profile", "keep").exit_code == 0
    assert [request.job.settings.profile for request in workers.requests] == ["keep"] * 3


def test_mix_is_asked_for_every_painting(folder, workers):
    done = usual(folder, "--strength", 0.5, "--keep", "texture", "--keep", "light")
    assert done.exit_code == 0, done.output
    asked = [(request.job.settings.strength, request.job.settings.keep) for request in workers.requests]
    assert asked == [(0.5, ("light", "texture"))] * 3


def test_exit_code_tells_all_some_or_none(folder, workers):
    workers.replies["[p1]"] = [failing("torn canvas")]
    some = usual(folder)
    assert some.exit_code == 3
    assert "warning: [p1]: torn canvas" in some.stderr
    assert "sinct batch retry" in some.stdout
    workers.replies.update({"[p0]": [failing()], "[p2]": [failing()]})
    none = usual(folder, "--seed", 1)
    assert none.exit_code == 1


def test_retry_does_what_failed(folder, workers):
    workers.replies["[p1]"] = [failing("torn canvas")]
    usual(folder)
    workers.replies.clear()
    retried = sinct("retry", folder / "out", "--json")
    assert retried.exit_code == 0
    assert json.loads(retried.stdout)["made"] == ["[p1]"]
    unknown = sinct("retry", folder / "out", "nobody")
    assert unknown.exit_code == 1
    assert "has no job 'nobody'" in unknown.stderr


def test_status_shows_every_job(folder, workers):
    workers.replies["[p1]"] = [failing("torn canvas")]
    usual(folder)
    shown = sinct("status", folder / "out")
    assert "[p1]" in shown.stdout
    assert "torn canvas" in shown.stdout
    assert "2 done, 1 failed" in shown.stdout
    told = json.loads(sinct("status", folder / "out", "--json").stdout)
    assert [job["state"] for job in told["jobs"]] == ["done", "failed", "done"]


def test_dry_run_lists_what_would_be_done(folder, workers):
    planned = usual(folder, "--dry-run")
    assert planned.exit_code == 0
    assert "waiting  [p0]" in planned.stdout
    assert "3 to do, 0 done, 0 failed" in planned.stdout
    assert not (folder / "out").exists()
    timed = sinct(
        folder / "paintings", "--photo", folder / "photo.png", "-o", folder / "out", "--preset", "draft", "--time",
        "1h", "--dry-run", "--json",
    )  # fmt: skip
    assert json.loads(timed.stdout)["seconds"] == pytest.approx(3 * 3600)


def test_time_of_a_batch_is_known_at_most_from_limits_and_about_from_what_is_done(folder, workers):
    limited = (
        folder / "paintings", "--photo", folder / "photo.png", "-o", folder / "out", "--steps", 4, "--time", "1h"
    )  # fmt: skip
    assert "time: at most 3:00:00;" in sinct(*limited, "--dry-run").stdout
    assert "time: unknown until the first job is done;" in usual(folder, "--dry-run").stdout
    workers.replies["[p1]"] = [failing("torn canvas")]
    sinct(*limited)
    assert "time: about" in sinct(*limited, "--retries", 5, "--dry-run").stdout


def test_report_is_written(folder, workers):
    usual(folder)
    assert "report.html" in sinct("report", folder / "out").stdout
    with (folder / "out" / "report.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["state"] for row in csv.DictReader(file)] == ["done"] * 3


def test_faults_are_one_line(folder, workers):
    for arguments, message in (
        ([folder / "paintings", "-o", folder / "out"], "give either --photo"),
        ([folder / "nowhere", "--photo", "a.png", "-o", folder / "out"], "cannot read"),
        (["status", folder], "holds no batch"),
        (["report", folder], "holds no batch"),
    ):
        result = sinct(*arguments)
        assert result.exit_code == 1
        assert message in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1


def test_names_of_matches_are_the_librarys():
    assert tuple(Match) == MATCHES


def test_ray_is_asked_for_by_name_where_it_is_missing(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    result = usual(folder, "--ray", "auto")
    assert result.exit_code == 1
    assert '`pip install ".[ray]"` in a clone of sinct' in result.stderr


def test_library_does_the_same(folder):
    jobs = read_collection(
        str(folder / "paintings"), str(folder / "out"), Settings("draft", steps=4), photo=[str(folder / "photo.png")],
        cache=folder / "cache",
    )  # fmt: skip
    assert len(run_batch(jobs, folder / "out", Fake()).made) == 3
