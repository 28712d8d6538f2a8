"""The ledger of a batch."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import sinct
from sinct.batch.coordinator import run_batch
from sinct.batch.jobs import Job
from sinct.batch.ledger import Entry, Ledger, State, Verdict, ledger_path, read_entries
from sinct.batch.review import judge
from sinct.batch.settings import Settings
from sinct.batch.staleness import preview
from tests.support.batch_fake import SETTINGS, Fake, states


def test_damaged_or_foreign_ledger_is_told(collection, out):
    run_batch(collection(), out, Fake())
    with sqlite3.connect(ledger_path(out)) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(sinct.InputError, match="ledger of version 99"):
        Ledger(ledger_path(out))
    for file in (out / ".sinct").glob("ledger.sqlite*"):
        file.unlink()
    ledger_path(out).write_bytes(b"no database at all" * 100)
    with pytest.raises(sinct.InputError, match="is damaged or not a ledger"):
        run_batch(collection(), out, Fake())


def test_folder_without_a_batch_is_told(tmp_path):
    with pytest.raises(sinct.InputError, match="holds no batch"):
        read_entries(ledger_path(tmp_path))


def test_what_is_asked_for_and_where_it_stands_come_back_as_they_were(tmp_path):
    job = Job(
        "sub/a", "apply", ("a.png", "ü.tif"), ("b.jpg",), "s3://out/a.png", SETTINGS, "shared-model", "why"
    )
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.plan([job])
    assert ledger.entries() == [Entry(job)]
    entry = Entry(
        job,
        State.failed,
        3,
        "key",
        "no luck",
        True,
        2,
        ("dark",),
        {"steps": 4},
        {"a.png": [[1, 2], "0f"]},
        1.5,
        2.5,
    )
    ledger.save(entry)
    assert ledger.entry("sub/a") == entry
    ledger.plan([replace(job, output="elsewhere.png")])
    assert ledger.entries() == [replace(entry, job=replace(job, output="elsewhere.png"))]
    ledger.close()


# Version 0.1.0


PLAIN = Settings(
    "draft", steps=4, changes={"width": 8, "discriminator_widths": (8, 8, 8, 8, 8), "mixed_precision": False}
)
OLD = [
    Job("sub/done", "pair", ("painting-0.png",), ("photo.jpg",), "out/sub/done.png", PLAIN),
    Job(
        "failed", "pair", ("painting-1.png",), ("photo.jpg",), "out/failed.tif",
        Settings(seconds=90.0, seed=3, bits=16),
    ),
    Job("hopeless", "pair", ("painting-2.png",), ("photo.jpg",), "out/hopeless.png", Settings()),
    Job("faulty", "pair", ("painting-3.png",), (), "out/faulty.png", PLAIN, fault="there is no photo"),
    Job("left", "pair", ("painting-3.png",), ("photo.jpg",), "out/left.png", PLAIN),
    Job("shared-model", "series", ("painting-0.png", "painting-1.png"), ("photo.jpg",), "", PLAIN),
    Job("applied", "apply", ("painting-0.png",), (), "out/applied.png", PLAIN, needs="shared-model"),
]  # fmt: skip
"""The jobs that version 0.1.0 was given for ledger-0.1.0.sql; it was killed while it did `left`."""


@pytest.fixture
def old(tmp_path, monkeypatch):
    """The folder of the batch of version 0.1.0, with what it had read and made."""
    monkeypatch.chdir(tmp_path)
    for number in range(4):
        Path(f"painting-{number}.png").write_text(f"painting {number}")
    Path("photo.jpg").write_text("photo")
    out = Path("out")
    for name in ("sub/done", "applied"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / f"{name}.png").write_text(f"made of {name}")
    ledger_path(out).parent.mkdir()
    with sqlite3.connect(ledger_path(out)) as database:
        database.executescript(Path(__file__).with_name("ledger-0.1.0.sql").read_text())
    return out


def asked(out):
    """Rows of what is asked for, as they are stored."""
    with sqlite3.connect(ledger_path(out)) as database:
        return database.execute("SELECT name, painting, photos, output, job FROM jobs").fetchall()


def test_batch_of_version_0_1_0_is_continued_and_nothing_is_done_twice(old):
    workers = Fake()
    summary = run_batch(OLD, old, workers)
    assert [request.job.name for request in workers.requests] == ["left"]
    assert states(summary) == {
        "sub/done": "done", "failed": "failed", "hopeless": "failed", "faulty": "failed", "left": "done",
        "shared-model": "done", "applied": "done",
    }  # fmt: skip
    first = summary.entries[0]
    assert (first.warnings, first.figures) == (("dark",), {"seconds": 1.0, "steps": 4})
    assert summary.entries[1].error == "no luck"


def test_ledger_of_version_0_1_0_is_read_as_it_is_and_takes_verdicts(old):
    with sqlite3.connect(ledger_path(old)) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(jobs)")]
    assert "verdict" not in columns
    before = read_entries(ledger_path(old))
    assert {entry.verdict for entry in before} == {None}
    judged = judge(old, ["sub/done"], Verdict.accepted)
    assert judged == [replace(before[0], verdict=Verdict.accepted), *before[1:]]
    assert read_entries(ledger_path(old)) == judged


def test_ledger_without_notes_is_read_as_it_is_and_takes_notes(old):
    with sqlite3.connect(ledger_path(old)) as database:
        database.execute("ALTER TABLE jobs ADD COLUMN verdict TEXT")
        database.execute("ALTER TABLE jobs ADD COLUMN seeds TEXT")
        database.execute("PRAGMA user_version = 2")
    before = read_entries(ledger_path(old))
    assert {entry.note for entry in before} == {""}
    judged = judge(old, ["sub/done"], Verdict.rejected, "too dark")
    assert judged == [replace(before[0], verdict=Verdict.rejected, note="too dark"), *before[1:]]
    assert read_entries(ledger_path(old)) == judged


def test_ledger_of_version_0_1_0_is_continued_without_the_collection(old):
    assert [entry.job for entry in read_entries(ledger_path(old))] == [
        Job.from_json(job.to_json()) for job in OLD
    ]
    assert run_batch(None, old, Fake()).made == ("left",)


def test_jobs_are_stored_as_version_0_1_0_stored_them(old):
    before = asked(old)
    with closing(Ledger(ledger_path(old))) as ledger:
        ledger.plan(OLD)
    assert asked(old) == before


def test_dry_run_of_a_batch_of_version_0_1_0_finds_what_is_left(old, monkeypatch):
    monkeypatch.setattr("sinct.batch.checks.sound_size", lambda path: (200, 200))  # they are files of text
    assert [entry.name for entry in preview(OLD, old) if entry.state is State.waiting] == ["left"]


def test_name_that_is_no_utf_8_comes_back(tmp_path):
    name = "m\udcfcller"
    job = Job(name, "pair", (f"{name}.png",), ("b.png",), f"out/{name}.png", SETTINGS)
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        ledger.plan([job])
        entry = replace(ledger.entry(name), error=f"no {name}", hashes={name: [[1], "a"]})
        ledger.save(entry)
        assert ledger.entries() == [entry]
        assert entry.job.paintings == job.paintings
