"""`sinct batch` as a person uses it."""

import csv
import json
import re
import shlex
import sys

import pytest
from typer.testing import CliRunner

from cli import display
from cli.main import app
from cli.options import Match
from sinct.batch.collection import read_collection
from sinct.batch.coordinator import run_batch
from sinct.batch.jobs import Outcome
from sinct.batch.matching import MATCHES
from sinct.batch.settings import Settings
from sinct.batch.storage import sha256
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


def flawed(output, text):
    """The outcome of a job whose picture has a warning; the picture is there already."""
    output.parent.mkdir(exist_ok=True)
    output.write_text("made")
    return Outcome("", warnings=(text,), output_sha256=sha256(str(output)))


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


def test_verdicts_are_given_shown_and_taken_back(folder, workers):
    usual(folder)
    out = folder / "out"
    told = sinct("reject", out, "[p1]", "--note", "[b]too dark").stdout
    assert "rejected 1 picture; 0 accepted, 1 rejected, 2 undecided" in told
    assert f"sinct batch retry {out}" in told
    assert "accepted 2 pictures; 2 accepted, 1 rejected, 0 undecided" in sinct("accept", out, "--rest").stdout
    shown = sinct("status", out).stdout
    assert re.search(r"^\[p1\] +done +rejected: \[b\]too dark", shown, re.MULTILINE)
    assert "3 done; 2 accepted, 1 rejected, 0 undecided" in shown
    told = sinct("accept", out, "[p0]", "[p0]", "--undo").stdout
    assert "took back the verdict on 1 picture; 1 accepted" in told
    told = json.loads(sinct("status", out, "--json").stdout)["jobs"]
    assert [job["verdict"] for job in told] == [None, "rejected", "accepted"]


def test_rejected_pictures_are_retried_with_another_seed(folder, workers):
    usual(folder)
    sinct("reject", folder / "out", "[p1]")
    assert json.loads(sinct("retry", folder / "out", "--json").stdout)["made"] == ["[p1]"]
    assert workers.requests[-1].job.settings.seed == 1


def test_rejected_pictures_of_a_series_are_not_retried_without_a_word(folder, workers):
    usual(folder, "--shared-model")
    sinct("reject", folder / "out", "[p1]")
    retried = sinct("retry", folder / "out")
    assert len(workers.requests) == 4
    assert "rejected, but not made anew: 1 picture" in retried.stderr
    assert "reject shared-model to train it with another seed" in retried.stderr


def test_accepted_pictures_that_stay_are_told(folder, workers):
    usual(folder)
    sinct("accept", folder / "out", "[p1]")
    assert "1 picture that you accepted stayed" in " ".join(usual(folder, "--seed", 5).stderr.split())


def test_export_writes_what_is_asked_for(folder, workers):
    usual(folder)
    sinct("accept", folder / "out", "[p1]")
    table = folder / "table.csv"
    for only, names in ((["--only", "accepted"], ["[p1]"]), (["--only", "undecided"], ["[p0]", "[p2]"])):
        assert f"wrote {table}" in sinct("export", folder / "out", "-o", table, *only).stdout
        with table.open(encoding="utf-8-sig", newline="") as file:
            assert [row["name"] for row in csv.DictReader(file)] == names


def test_verdict_on_nothing_is_one_line(folder, workers):
    usual(folder)
    for arguments, message in (
        ((), "name one or more jobs, or give --rest"),
        (("nobody",), "no job 'nobody'"),
        (("--rest", "--undo"), "nothing to undo"),
    ):
        result = sinct("accept", folder / "out", *arguments)
        assert result.exit_code == 1
        assert message in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1


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


def broken(folder):
    """Damage two of the three paintings."""
    whole = (folder / "paintings" / "[p1].png").read_bytes()
    (folder / "paintings" / "[p0].png").write_text("no picture")
    (folder / "paintings" / "[p1].png").write_bytes(whole[: len(whole) // 2])


def test_dry_run_says_what_will_fail_and_why(folder, workers):
    broken(folder)
    told = usual(folder, "--dry-run").stdout
    assert re.search(r"^fails    \[p0\]: .*\[p0\]\.png is not a picture", told, re.MULTILINE)
    assert re.search(r"^fails    \[p1\]: .*\[p1\]\.png is damaged or cut off", told, re.MULTILINE)
    assert "1 to do, 0 done, 0 failed, 2 will fail;" in told
    assert not (folder / "out").exists()


def test_dry_run_tells_a_photo_that_cannot_be_used(folder, workers, make_picture):
    make_picture("photo.png", width=4000, height=20)
    assert "3 will fail" in usual(folder, "--dry-run").stdout
    (folder / "photo.png").write_bytes(b"")
    assert "photo.png is empty" in usual(folder, "--dry-run").stdout


def test_dry_run_tells_a_mask_that_cannot_be_used(folder, workers):
    (folder / "mask.png").write_text("no picture")
    rows = [
        {"painting": f"paintings/[p{number}].png", "photo": "photo.png", "mask": mask}
        for number, mask in enumerate(("mask.png", "photo.png"))
    ]
    (folder / "list.jsonl").write_text("\n".join(map(json.dumps, rows)))
    told = sinct(folder / "list.jsonl", "-o", folder / "out", "--dry-run").stdout
    assert "mask.png is not a picture" in told
    assert "1 to do, 0 done, 0 failed, 1 will fail;" in told


def test_dry_run_gives_space_in_a_unit_that_fits(folder, workers):
    assert "space: about 30 MB of " in usual(folder, "--dry-run").stdout


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"), (999, "999 bytes"), (999.6, "1.0 KB"), (1500, "1.5 KB"), (9940, "9.9 KB"), (9960, "10 KB"),
        (999_600, "1.0 MB"), (12_345_678, "12 MB"), (3.2e9, "3.2 GB"), (4e12, "4.0 TB"), (4e15, "4000 TB"),
    ],
)  # fmt: skip
def test_amounts_have_the_unit_that_fits(count, text):
    assert display.amount(count) == text


def test_batch_ends_with_its_warnings_in_short_and_which_pictures_have_them(folder, workers):
    dull = (
        "light and dark are inverted compared with the painting (luminance order -0.{}); try another `seed`"
    )
    workers.replies = {
        f"[p{number}]": [flawed(folder / "out" / f"[p{number}].png", dull.format(number))]
        for number in (0, 2)
    }
    ended = usual(folder)
    assert ended.exit_code == 0
    assert "warning: [p0] and [p2]: light and dark are inverted compared with the painting\n" in ended.stderr
    assert "3 of 3 done, 0 failed, 2 with warnings" in ended.stdout


def test_batch_writes_its_report_and_says_where(folder, workers):
    assert f"report: {folder / 'out' / 'report.html'}" in usual(folder).stdout
    assert (folder / "out" / "report.html").exists()
    assert json.loads(usual(folder, "--json").stdout)["report"] == str(folder / "out" / "report.html")


def test_batch_writes_no_report_where_none_is_wanted(folder, workers):
    assert "report: " not in usual(folder, "--no-report").stdout
    assert not (folder / "out" / "report.html").exists()


def test_interrupted_batch_writes_a_report_on_what_is_there(folder, workers, monkeypatch):
    monkeypatch.setattr("cli.stopping.Stop.__call__", lambda self: len(workers.requests) > 0)
    ended = usual(folder)
    assert ended.exit_code == 128
    assert "stopped with 1 of 3 done" in ended.stdout
    assert (folder / "out" / "report.html").exists()


def test_report_that_cannot_be_written_is_only_a_warning(folder, workers):
    (folder / "out" / "report.csv").mkdir(parents=True)
    ended = usual(folder)
    assert ended.exit_code == 0
    assert "warning: there is no report: cannot write" in ended.stderr


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


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "3 pictures, 3 to do: standard, 4 steps each; the first will tell how long they take"),
        (["--time=5m"], "3 pictures, 3 to do: standard, 4 steps each; at most 15 minutes"),
        (
            ["--preset=draft"],
            "3 pictures, 3 to do: draft, 4 steps each; the first will tell how long they take",
        ),
    ],
)
def test_batch_opens_with_what_it_does_how_long_and_where(options, told, folder, workers):
    lines = usual(folder, *options).stderr.splitlines()
    ledger = folder / "out" / ".sinct" / "ledger.sqlite"
    assert lines[:2] == [
        told, f"ledger: {ledger}; to see it meanwhile: sinct batch status {shlex.quote(str(folder / 'out'))}"
    ]  # fmt: skip


def test_batch_opens_with_what_is_left(folder, workers):
    usual(folder)
    assert usual(folder).stderr.startswith("3 pictures, nothing left to do\nledger: ")


def test_batch_opens_with_how_many_at_once(folder, workers):
    workers.places = 2
    assert usual(folder).stderr.startswith("3 pictures, 3 to do, 2 at once: ")
