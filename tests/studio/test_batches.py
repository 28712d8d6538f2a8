"""What the studio does with batches, without a browser."""

import asyncio
import json
import os
import shutil
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from jinja2 import Environment
from PIL import Image

from sinct.batch import (
    State,
    Verdict,
    judge,
    ledger_path,
    plan_batch,
    read_collection,
    read_entries,
    run_batch,
)
from sinct.batch.ledger import run_folder
from sinct.batch.report import write_batch_report
from sinct.errors import ConfigError, InputError, OutputError
from sinct.runtime.locks import LOCK
from sinct.studio.batch_page import BatchRoutes
from sinct.studio.batch_rows import id_of
from sinct.studio.batch_worker import BatchFiles, BatchState, work
from sinct.studio.batches import Batches
from sinct.studio.processes import Busy
from tests.support.batch_example import make_batch, make_entry, make_picture
from tests.support.batch_fake import SETTINGS, Fake, failing, make_collection
from tests.support.studio import DEADLINE, make_studio
from tests.support.studio_batch import change, write_deep_zoom, write_ledger


@pytest.fixture
def folder(tmp_path) -> Path:
    """The folder of a batch that holds whatever a page must be able to show."""
    write_ledger(tmp_path / "out", make_batch(tmp_path))
    return tmp_path / "out"


@pytest.fixture
def batches(studio) -> Batches:
    return Batches(studio)


def row(batches, name: str, batch: str = "") -> dict:
    return batches.table(batch).rows[id_of(name)]


def verdicts(folder: Path) -> dict:
    return {entry.name: (entry.verdict, entry.note) for entry in read_entries(ledger_path(folder))}


# What there is -------------------------------------------------------------------------------------------


def test_a_folder_is_a_batch_or_holds_some(folder, batches, tmp_path, tiny):
    assert batches.names() == [""]
    write_ledger(tmp_path / "other", [make_entry("a", output="a.png")])
    (tmp_path / "no batch").mkdir()
    assert Batches(make_studio(tmp_path, tiny)).names() == ["other", "out"]


def test_rows_tell_what_there_is_to_see_and_why_there_is_nothing(batches):
    good, remote, gone = (row(batches, name) for name in ("sub/märz & sea", "remote", "gone"))
    assert good["painting"]["name"] == "märz & sea.png"
    assert (good["result"]["version"], good["width"], good["height"]) == (
        int(Path(batches.entry("", good["id"]).job.output).stat().st_mtime_ns // 1_000_000), 160, 120,
    )  # fmt: skip
    assert remote["result"] == {"name": "sea.png", "missing": "not on this machine"}
    assert gone["result"] == {"name": "gone.png", "missing": "not there"}
    assert row(batches, "failed")["error"] == "missing.png does not exist; a picture file is needed"
    assert row(batches, "warned")["warnings"] == [
        "the result is much darker than the painting",
        "speckle in flat areas",
    ]


def test_relative_paths_are_told_from_files_that_are_gone(tmp_path, tiny):
    write_ledger(
        tmp_path / "out", [make_entry("a", "paintings/a.png", (), str(tmp_path / "a.png"), state=State.done)]
    )
    found = row(Batches(make_studio(tmp_path / "out", tiny)), "a")
    assert (found["painting"]["missing"], found["result"]["missing"]) == ("not found from here", "not there")


def test_the_model_of_a_series_shows_its_preview_and_no_result(folder, batches):
    make_picture(run_folder(folder, "shared-model") / "run" / "preview.png")
    change(folder, "shared-model", attempts=2)
    found = row(batches, "shared-model")
    assert (found["kind"], found["live"], found["result"]["name"]) == ("series", True, "preview.png")


def test_rows_hold_no_paths(batches, tmp_path):
    assert str(tmp_path) not in json.dumps(list(batches.table("").rows.values()))


def test_rows_that_have_not_changed_stay_the_same_objects(folder, batches):
    before = batches.table("").rows
    change(folder, "failed", state=State.waiting, error=None)
    after = batches.table("").rows
    changed = [each["name"] for key, each in after.items() if each is not before[key]]
    assert changed == ["failed"]
    assert batches.table("").rows[id_of("failed")]["state"] == "waiting"


def test_the_ledger_is_read_only_when_it_has_changed(folder, batches, monkeypatch):
    monkeypatch.setattr("sinct.studio.batches.SETTLED", 0.0)
    batches.table("")
    monkeypatch.setattr("sinct.studio.batches.read_entries", lambda path: pytest.fail("it was read"))
    batches.table("")


def test_a_change_whose_files_were_written_before_it_could_be_read_is_noticed(folder, batches, monkeypatch):
    """SQLite writes a change, synchronises the disk, and only then lets others read it."""
    before = read_entries(ledger_path(folder))
    judge(folder, ["warned"], Verdict.rejected)
    with monkeypatch.context() as patched:
        patched.setattr("sinct.studio.batches.read_entries", lambda path: before)
        assert row(batches, "warned")["verdict"] is None
    assert row(batches, "warned")["verdict"] == "rejected"


def test_news_of_a_batch_outlast_a_fault_that_passes(folder, studio, monkeypatch):
    monkeypatch.setattr("sinct.studio.news.TICK", 0.01)
    told = BatchRoutes._told
    faults = iter([OutputError("the ledger is locked"), OSError(5, "input/output error")])

    def failing_at_first(self, name):
        for fault in faults:
            raise fault
        return told(self, name)

    monkeypatch.setattr(BatchRoutes, "_told", failing_at_first)
    closing = iter([False] * 4 + [True] * 9)
    routes = BatchRoutes(studio, Environment(), lambda: next(closing))

    async def heard() -> list[str]:
        return [news async for news in routes._changes("")]

    [news] = asyncio.run(heard())
    assert '"warned"' in news


def test_the_preview_of_a_running_job_is_noticed_without_a_change_of_the_ledger(folder, batches):
    change(folder, "failed", state=State.running, error=None)
    assert row(batches, "failed")["result"] is None
    make_picture(run_folder(folder, "failed") / "run" / "preview.png")
    assert (row(batches, "failed")["live"], row(batches, "failed")["result"]["name"]) == (True, "preview.png")
    assert batches.small("", id_of("failed"), "result").startswith(b"\xff\xd8")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "wide", True, 10**400, [1]])
def test_figures_that_are_none_are_left_out(folder, batches, value):
    change(folder, "warned", figures={"width": value, "height": 5, "seed": value})
    found = row(batches, "warned")
    assert (found["width"], found["height"], found["seed"]) == (None, 5, None)


def test_names_that_are_no_utf_8_are_shown_and_found(tmp_path, tiny):
    name = "m\udcfcller"
    write_ledger(tmp_path / "out", [make_entry(name, output=f"{name}.png")])
    batches = Batches(make_studio(tmp_path / "out", tiny))
    [found] = batches.table("").rows.values()
    assert found["name"] == "m\\xfcller"
    assert json.loads(json.dumps(found)) == found
    assert batches.entry("", found["id"]).name == name


@pytest.mark.parametrize("name", ["", "..", "missing", "../out", "paintings"])
def test_what_is_no_batch_gives_one_line(tmp_path, tiny, name):
    (tmp_path / "empty" / "paintings").mkdir(parents=True)
    with pytest.raises(InputError, match=r"there is no|holds no batch"):
        Batches(make_studio(tmp_path / "empty", tiny)).table(name)


def test_a_ledger_that_leads_elsewhere_is_no_batch(folder, tmp_path, tiny):
    (tmp_path / "made" / ".sinct").mkdir(parents=True)
    (tmp_path / "made" / ".sinct" / "ledger.sqlite").symlink_to(ledger_path(folder))
    with pytest.raises(InputError, match="this folder holds no batch"):
        Batches(make_studio(tmp_path / "made", tiny)).table("")


def test_a_damaged_ledger_gives_one_line(folder, batches):
    ledger_path(folder).write_bytes(b"no ledger at all" * 100)
    with pytest.raises(InputError, match="is damaged or not a ledger"):
        batches.table("")


# Pictures ------------------------------------------------------------------------------------------------


def test_thumbnails_are_small_made_once_and_shared_with_the_report(folder, batches, monkeypatch):
    make_picture(folder / "warned.png", 2, (1500, 1000))
    change(folder, "warned", figures={"width": 1500, "height": 1000})
    data = batches.small("", id_of("warned"), "result")
    (folder / "thumbnail.jpg").write_bytes(data)
    with Image.open(folder / "thumbnail.jpg") as picture:
        assert (picture.format, picture.size) == ("JPEG", (240, 160))
    monkeypatch.setattr("sinct.batch.thumbnails.read_small", lambda *_: pytest.fail("it was read again"))
    assert batches.small("", id_of("warned"), "result") == data


def test_a_deep_zoom_has_a_thumbnail_from_a_single_tile(folder, batches, monkeypatch):
    write_deep_zoom(folder / "huge.dzi")
    read = []
    small = batches.small.__globals__["thumbnail"]
    monkeypatch.setattr(
        "sinct.studio.batches.thumbnail", lambda *given: read.append(given[1]) or small(*given)
    )
    assert batches.small("", id_of("huge"), "result").startswith(b"\xff\xd8")
    assert [Path(place).relative_to(folder).as_posix() for place in read] == ["huge_files/7/0_0.jpg"]


def test_large_pictures_have_sides_of_at_most_4096_pixels(folder, batches):
    make_picture(folder / "warned.png", 2, (5000, 100))
    data = batches.large("", id_of("warned"), "result")
    (folder / "large.png").write_bytes(data)
    with Image.open(folder / "large.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (4096, 82))


@pytest.mark.parametrize(
    ("name", "role", "said"),
    [
        ("remote", "result", "no such picture on this machine"),
        ("gone", "result", "does not exist|No such file"),
        ("failed", "result", "no such picture"),
        ("failed", "painting", "does not exist|No such file"),
        ("warned", "mask", "no such picture"),
        ("applied", "photo", "no such picture"),
        ("nobody", "result", "no such job any more"),
    ],
)
def test_a_picture_that_is_not_there_gives_one_line(batches, name, role, said):
    for ask in (batches.small, batches.large):
        with pytest.raises(InputError, match=said):
            ask("", id_of(name), role)


# Verdicts ------------------------------------------------------------------------------------------------


def test_verdicts_and_notes_are_kept_in_the_ledger_and_taken_back(folder, batches):
    batches.judge("", [id_of("warned")], "rejected", "too dark")
    assert verdicts(folder)["warned"] == (Verdict.rejected, "too dark")
    assert (row(batches, "warned")["verdict"], row(batches, "warned")["note"]) == ("rejected", "too dark")
    batches.judge("", [id_of("warned")], "", "")
    assert verdicts(folder)["warned"] == (None, "")


@pytest.mark.parametrize(
    ("name", "verdict", "error", "said"),
    [
        ("failed", "accepted", InputError, "failed is failed, so it has no picture to judge"),
        ("nobody", "accepted", InputError, "no such job any more"),
        ("warned", "good", ConfigError, "there is no verdict good; choose one of accepted, rejected"),
    ],
)
def test_a_verdict_on_nothing_gives_one_line(batches, name, verdict, error, said):
    with pytest.raises(error, match=said):
        batches.judge("", [id_of(name)], verdict, "")


def test_lists_are_those_of_the_command_line(folder, batches):
    batches.judge("", [id_of("warned")], "rejected", "")
    listed = json.loads(batches.export("", ".json", "rejected"))["jobs"]
    assert [job["name"] for job in listed] == ["warned"]
    assert len(batches.export("", ".csv", "").splitlines()) == 1 + len(batches.table("").rows)
    for suffix, which in ((".xls", ""), (".csv", "good")):
        with pytest.raises(ConfigError):
            batches.export("", suffix, which)


# The process ---------------------------------------------------------------------------------------------


@pytest.fixture
def small(make_picture, tmp_path, tiny):
    """A studio in the folder of a batch of three tiny jobs, of which one is done, one failed and one waits."""
    make_collection(make_picture, tmp_path, "p{}")
    jobs = read_collection(
        str(tmp_path / "paintings"), str(tmp_path / "out"), SETTINGS, photo=[str(tmp_path / "photo.png")],
        cache=tmp_path / "cache",
    )  # fmt: skip
    run_batch(jobs, tmp_path / "out", Fake({"p1": [failing("torn canvas")]}))
    change(tmp_path / "out", "p2", state=State.waiting)
    studio = make_studio(tmp_path / "out", tiny)
    yield studio
    studio.processes.kill()


def wait(batches, *phases: str) -> dict:
    end = time.monotonic() + DEADLINE
    while (state := batches.state(""))["phase"] not in phases or state["working"]:
        assert time.monotonic() < end, state
        time.sleep(0.05)
    return state


@pytest.mark.slow
def test_failed_jobs_are_made_anew_by_a_process_that_writes_the_report(small):
    batches = Batches(small)
    assert batches.retried("") == 1
    batches.retry("", [])
    assert batches.state("")["here"]
    with pytest.raises(Busy, match="this folder's batch is worked on, and one thing is done at a time"):
        batches.resume("")
    assert wait(batches, "finished", "failed")["message"] == ""
    found = batches.table("").rows
    assert [each["state"] for each in found.values()] == ["done"] * 3
    assert batches.large("", id_of("p1"), "result").startswith(b"\x89PNG")
    assert (small.folder / "report.html").is_file()


@pytest.mark.slow
def test_a_batch_that_is_stopped_keeps_what_it_has_and_goes_on(small):
    batches = Batches(small)
    batches.resume("")
    batches.stop("")
    wait(batches, "stopped", "finished")
    batches.resume("")
    wait(batches, "finished")
    assert row(batches, "p2")["state"] == "done"


def test_the_process_says_how_far_each_job_is(small, tmp_path):
    files, told = BatchFiles(small.place), []

    class Telling(Fake):
        def wait(self, seconds):
            told.append(files.state())
            return super().wait(seconds)

    work(files, "", small.folder, again=[], should_stop=lambda: False, workers=Telling())
    assert (told[0].phase, dict(told[0].shares)) == ("working", {"p2": (0.0, None)})
    assert files.state().phase == "finished"


def test_what_the_process_cannot_do_is_told_in_one_line(small):
    files = BatchFiles(small.place)
    (ledger_path(small.folder)).write_bytes(b"damaged" * 99)
    work(files, "", small.folder, again=[], should_stop=lambda: False, workers=Fake())
    state = files.state()
    assert (state.phase, len(state.message.splitlines())) == ("failed", 1)
    assert "is damaged or not a ledger" in state.message


def test_a_process_that_vanished_says_so(batches):
    batches.files.write(BatchState("", "working"))
    state = batches.state("")
    assert (state["phase"], state["working"]) == ("failed", False)
    assert "its process ended before it was done" in state["message"]


def test_the_state_of_another_batch_is_not_taken_for_this_ones(batches):
    batches.files.write(BatchState("other", "failed", "no luck"))
    assert (batches.state("")["phase"], batches.state("")["message"]) == ("", "")


def test_a_batch_that_another_process_works_on_is_shown_so_and_not_begun_again(folder, batches):
    (folder / ".sinct" / LOCK).write_text(f"{os.getpid()} {socket.gethostname()}")
    assert batches.state("")["who"] == f"process {os.getpid()}"
    with pytest.raises(Busy, match="works on this batch; wait until it has ended"):
        batches.retry("", [])
    with pytest.raises(InputError, match="stop it where it was started"):
        batches.stop("")


def test_where_nothing_failed_there_is_nothing_to_retry(tmp_path, tiny):
    write_ledger(tmp_path / "out", [make_entry("a", output="a.png")])
    with pytest.raises(InputError, match="no job has failed and no picture is rejected"):
        Batches(make_studio(tmp_path / "out", tiny)).retry("", [])


def test_a_picture_that_shares_its_model_is_not_retried(folder, batches):
    batches.judge("", [id_of("applied")], "rejected", "")
    with pytest.raises(InputError, match="applied shares its model with others"):
        batches.retry("", [id_of("applied")])


def test_a_moved_batch_says_that_its_pictures_are_not_there(folder, tmp_path, tiny):
    shutil.move(folder, tmp_path / "moved")
    batches = Batches(make_studio(tmp_path / "moved", tiny))
    assert row(batches, "warned")["result"]["missing"] == "not there"


# The report ----------------------------------------------------------------------------------------------


def test_a_verdict_shows_in_the_report_at_once(folder, batches):
    write_batch_report(folder, read_entries(ledger_path(folder)))
    assert batches.judge("", [id_of("warned")], "rejected", "far too dark") == ""
    assert "far too dark" in (folder / "report.html").read_text()
    assert "far too dark" in (folder / "report.csv").read_text()
    assert batches.judge("", [id_of("warned")], "", "") == ""
    assert "far too dark" not in (folder / "report.html").read_text()


def test_a_batch_without_a_report_gets_none_by_a_verdict(folder, batches):
    batches.judge("", [id_of("warned")], "accepted", "")
    assert not (folder / "report.html").exists()


def test_a_report_that_cannot_be_written_costs_no_verdict(folder, batches, monkeypatch):
    def full(*given, **options):
        raise OutputError("report.html cannot be written: the disk is full")

    (folder / "report.html").touch()
    monkeypatch.setattr("sinct.studio.batch_report.write_batch_report", full)
    said = batches.judge("", [id_of("warned")], "accepted", "")
    assert said.startswith("the verdict is kept, but the report is not written anew: report.html cannot be")
    assert verdicts(folder)["warned"][0] is Verdict.accepted


def test_verdicts_that_come_together_share_a_report_that_has_them_all(folder, batches, monkeypatch):
    written, first, go_on = [], threading.Event(), threading.Event()

    def slow(place, entries, **options):
        written.append({entry.name for entry in entries if entry.verdict})
        first.set()
        go_on.wait(DEADLINE)

    (folder / "report.html").touch()
    monkeypatch.setattr("sinct.studio.batch_report.write_batch_report", slow)
    names = ("warned", "gone", "huge", "applied")
    with ThreadPoolExecutor(4) as pool:
        given = [pool.submit(batches.judge, "", [id_of(names[0])], "accepted", "")]
        assert first.wait(DEADLINE)
        given += [pool.submit(batches.judge, "", [id_of(name)], "accepted", "") for name in names[1:]]
        while any(verdicts(folder)[name][0] is None for name in names):
            time.sleep(0.01)
        go_on.set()
        assert [each.result(DEADLINE) for each in given] == [""] * 4
    assert written[0] == {"warned"}
    assert written[-1] == set(names)
    assert len(written) <= 4


def test_a_verdict_given_while_the_last_report_is_written_is_in_it(tmp_path, make_picture, monkeypatch):
    make_collection(make_picture, tmp_path, "p{}")
    out, files = tmp_path / "out", BatchFiles(tmp_path)
    jobs = read_collection(
        str(tmp_path / "paintings"), str(out), SETTINGS, photo=[str(tmp_path / "photo.png")],
        cache=tmp_path / "cache.json",
    )  # fmt: skip
    plan_batch(jobs, out)
    real = write_batch_report

    def judged(folder, entries, **options):
        page = real(folder, entries, **options)
        if all(entry.verdict is None for entry in entries):
            judge(folder, ["p1"], Verdict.rejected, "given meanwhile")
        return page

    monkeypatch.setattr("sinct.batch.report.write_batch_report", judged)
    work(files, "", out, again=[], should_stop=lambda: False, workers=Fake())
    assert "given meanwhile" in (out / "report.html").read_text()
    assert files.state().phase == "finished"


def test_a_batch_whose_folder_goes_is_ended(tmp_path, make_picture):
    make_collection(make_picture, tmp_path, "p{}")
    out, files, asked = tmp_path / "out", BatchFiles(tmp_path), []
    jobs = read_collection(
        str(tmp_path / "paintings"), str(out), SETTINGS, photo=[str(tmp_path / "photo.png")],
        cache=tmp_path / "cache.json",
    )  # fmt: skip
    plan_batch(jobs, out)

    def gone():
        asked.append(1)
        if len(asked) == 2:
            out.rename(tmp_path / "moved")
        return False

    work(files, "out", out, again=[], should_stop=gone, workers=Fake())
    assert files.state().phase == "failed"
    assert files.state().message == "out was removed or moved, so nothing more is done"
    assert [entry.state for entry in read_entries(ledger_path(tmp_path / "moved"))].count(State.waiting) == 2
