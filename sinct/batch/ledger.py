"""The record of what a batch has done and still has to do: an SQLite database.

One process at a time does its jobs; others may record verdicts on finished pictures meanwhile.

Every change is a transaction that reaches the disk before the next step, so that a kill or a power cut leaves the
state before it or after it.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from sinct.batch.jobs import Job
from sinct.errors import InputError, OutputError, one_line
from sinct.runtime.files import printable
from sinct.runtime.json_files import parsed, restored

SCHEMA = 3
"""Version of the tables; version 1 had no verdicts and no further seeds, version 2 no notes."""

LONGEST_NOTE = 1000
"""Most characters of a note on a picture."""


def ledger_path(folder: Path) -> Path:
    """Path of a batch's ledger."""
    return folder / ".sinct" / "ledger.sqlite"


def run_folder(folder: Path, name: str) -> Path:
    """Folder of the run of a job."""
    return folder / ".sinct" / "runs" / name


class State(StrEnum):
    """The state of a job."""

    waiting = "waiting"
    running = "running"
    done = "done"
    failed = "failed"


class Verdict(StrEnum):
    """What a person has decided about a finished picture."""

    accepted = "accepted"
    rejected = "rejected"


@dataclass(frozen=True)
class Entry:
    """A job and its state.

    Attributes:
        job: what is asked for, with the seed of `seeds` if there is one.
        state: its state.
        attempts: attempts begun since the last reset.
        key: hash of everything its result depends on, as known at the start of the last attempt.
        error: why it failed, in one line.
        again: whether another attempt at a failed job may succeed.
        squeeze: how its next attempt saves memory: 1 runs it alone, each further 1 also halves its crops.
        warnings: flaws that one would see in its picture, one line each.
        figures: figures about its run, by name: steps, seconds, memory (bytes), width, height, bytes, device.
        hashes: place -> stamp, which tells whether the file has changed (see `sinct.batch.storage.stamp`), and
            SHA-256; for all files that it reads and, when it is done, for the output.
        started: when the last attempt began, in seconds since 1970.
        ended: when it was last done or failed, in seconds since 1970.
        verdict: what a person has decided about its picture; None as long as nobody has.
        note: what the person wrote about it; empty without a verdict.
        seeds: the seed that the collection asks for, and the one that has taken its place since a picture was
            rejected. It holds until the collection asks for another.
    """

    job: Job
    state: State = State.waiting
    attempts: int = 0
    key: str = ""
    error: str | None = None
    again: bool = False
    squeeze: int = 0
    warnings: tuple[str, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    hashes: Mapping[str, Any] = field(default_factory=dict)
    started: float | None = None
    ended: float | None = None
    verdict: Verdict | None = None
    note: str = ""
    seeds: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """The job's name."""
        return self.job.name

    @property
    def painting(self) -> str:
        """Path or URL of its painting, or a series' first painting; empty if there is none."""
        return self.job.paintings[0] if self.job.paintings else ""

    def reset(self) -> "Entry":
        """The job as if it had never been tried."""
        return replace(
            self, state=State.waiting, attempts=0, error=None, again=False, squeeze=0, verdict=None, note=""
        )

    def asked(self, job: Job) -> "Entry":
        """The entry with the job as a collection asks for it now."""
        if self.seeds is not None and job.settings.seed == self.seeds[0]:
            job = job.seeded(self.seeds[1])
        return replace(self, job=job)


TABLES = """
CREATE TABLE jobs (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    listed INTEGER NOT NULL,
    painting TEXT NOT NULL,
    photos TEXT NOT NULL,
    output TEXT NOT NULL,
    job TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    attempts INTEGER NOT NULL DEFAULT 0,
    key TEXT NOT NULL DEFAULT '',
    error TEXT,
    again INTEGER NOT NULL DEFAULT 0,
    squeeze INTEGER NOT NULL DEFAULT 0,
    warnings TEXT NOT NULL DEFAULT '[]',
    figures TEXT NOT NULL DEFAULT '{}',
    hashes TEXT NOT NULL DEFAULT '{}',
    started REAL,
    ended REAL,
    verdict TEXT,
    seeds TEXT,
    note TEXT
);
"""

ADDED = {
    1: ("ALTER TABLE jobs ADD COLUMN verdict TEXT", "ALTER TABLE jobs ADD COLUMN seeds TEXT"),
    2: ("ALTER TABLE jobs ADD COLUMN note TEXT",),
}
"""What makes tables of a version those of the next one."""

COLUMNS = (
    "state", "attempts", "key", "error", "again", "squeeze", "warnings", "figures", "hashes", "started", "ended",
)  # fmt: skip
"""Columns for a job's state; the columns before them say what is asked for."""

JSON_COLUMNS = ("warnings", "figures", "hashes")


class Ledger:
    """An open ledger.

    Args:
        path: the database file; created if it is missing, unless `readonly`.
        readonly: only read it, even while the batch runs.

    Raises:
        InputError: with `readonly`, it is missing; or it is damaged or of another version.
        OutputError: it cannot be created or written.
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path = path
        if readonly and not path.exists():
            raise InputError(f"{path.parent.parent} holds no batch; give the folder in which a batch was run")
        with self._telling():
            self._database = sqlite3.connect(path, isolation_level=None, timeout=30)
            self._database.row_factory = sqlite3.Row
            if readonly:
                self._database.execute("PRAGMA query_only = ON")
            else:
                self._database.execute("PRAGMA journal_mode = WAL")
                self._database.execute("PRAGMA synchronous = FULL")
            [version] = self._database.execute("PRAGMA user_version").fetchone()
            code = "SELECT 1 FROM sqlite_master WHERE type IN ('view', 'trigger')"
            if self._database.execute(code).fetchone():  # which could run for ever
                raise sqlite3.DatabaseError("it has views or triggers")
            if version == 0 and not readonly:
                with self._change() as change:
                    change.execute(TABLES)
                    change.execute(f"PRAGMA user_version = {SCHEMA}")
                version = SCHEMA
            if version in ADDED and not readonly:
                with self._change() as change:
                    for older in range(version, SCHEMA):
                        for statement in ADDED[older]:
                            change.execute(statement)
                    change.execute(f"PRAGMA user_version = {SCHEMA}")
        if version not in (*ADDED, SCHEMA):
            raise InputError(
                f"{path} is a ledger of version {version}, but this sinct reads versions 1 to {SCHEMA}; use the sinct "
                "that wrote it"
            )

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    # Reading --------------------------------------------------------------------------------------------

    def entries(self) -> list[Entry]:
        """All jobs of the collection as last given, in its order."""
        with self._telling():
            rows = self._database.execute("SELECT * FROM jobs WHERE listed ORDER BY position").fetchall()
        return [self._entry(row) for row in rows]

    def entry(self, name: str) -> Entry:
        """One job.

        Raises:
            InputError: there is no job with this name.
        """
        return self._entry(self._row(name))

    def _row(self, name: str) -> sqlite3.Row:
        with self._telling():
            found = self._database.execute("SELECT * FROM jobs WHERE name = ?", (_stored(name),))
            row: sqlite3.Row | None = found.fetchone()
        if row is None:
            raise InputError(f"the batch has no job {name!r}; `sinct batch status` lists them")
        return row

    def _entry(self, stored: sqlite3.Row) -> Entry:
        """A row as an entry.

        Raises:
            InputError: it holds what sinct does not write.
        """
        try:
            return _entry(stored)
        except (ValueError, TypeError, KeyError) as error:
            raise self._damaged(printable(one_line(error))) from None

    # Changing -------------------------------------------------------------------------------------------

    def plan(self, jobs: Sequence[Job]) -> None:
        """Take over a collection: new jobs wait, known jobs keep their state, all others are no longer listed."""
        with self._change() as change:
            change.execute("UPDATE jobs SET listed = 0")
            for position, job in enumerate(jobs):
                change.execute(
                    "INSERT INTO jobs (name, position, listed, painting, photos, output, job, state) "
                    "VALUES (:name, :position, 1, :painting, :photos, :output, :job, 'waiting') "
                    "ON CONFLICT (name) DO UPDATE SET position = :position, listed = 1, painting = :painting, "
                    "photos = :photos, output = :output, job = :job",
                    {"position": position, **{key: _stored(value) for key, value in _asked(job).items()}},
                )

    def save(self, entry: Entry) -> None:
        """Record the state of a job. A verdict ends with its picture; otherwise it stays as another process left it."""
        ends = "CASE WHEN :state IN ('waiting', 'running') THEN NULL ELSE"
        values = {column: getattr(entry, column) for column in COLUMNS}
        values |= {column: json.dumps(values[column]) for column in JSON_COLUMNS}
        with self._change() as change:
            change.execute(
                f"UPDATE jobs SET {', '.join(f'{column} = :{column}' for column in COLUMNS)}, "
                f"verdict = {ends} verdict END, note = {ends} note END WHERE name = :name",
                {key: _stored(value) for key, value in {**values, "name": entry.name}.items()},
            )

    def judge(self, names: Sequence[str], verdict: Verdict | None, note: str = "") -> None:
        """Record a verdict on finished pictures, all or none of them; None takes it back, with its note.

        Raises:
            InputError: a job does not exist, or has no finished picture; or the note is too long.
        """
        if len(note) > LONGEST_NOTE:
            raise InputError(f"the note has {len(note)} characters; write at most {LONGEST_NOTE}")
        with self._change() as change:
            for entry in map(self.entry, names):
                if entry.state is not State.done:
                    raise InputError(
                        f"{entry.name} is {entry.state.value}, so it has no picture to judge; judge those that are done"
                    )
                if not entry.job.output and verdict is Verdict.accepted:
                    raise InputError(f"{entry.name} is a model; judge the pictures that were made with it")
                change.execute(
                    "UPDATE jobs SET verdict = ?, note = ? WHERE name = ?",
                    (verdict, _stored(note if verdict else ""), _stored(entry.name)),
                )

    def reseed(self, name: str, seed: int) -> Entry:
        """Give a job another seed than the collection asks for; returns the job with it."""
        asked = parsed(_restored(self._row(name)["job"]))["settings"]["seed"]
        with self._change() as change:
            change.execute(
                "UPDATE jobs SET seeds = ? WHERE name = ?", (json.dumps([asked, seed]), _stored(name))
            )
        return self.entry(name)

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with self._telling():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Turn SQLite's errors into sinct's, in one line."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            reason = printable(one_line(error))
            if isinstance(error, sqlite3.OperationalError):
                raise OutputError(
                    f"cannot use the ledger {self.path}: {reason}; free some space or check its permissions, then "
                    "repeat"
                ) from None
            raise self._damaged(reason) from None

    def _damaged(self, reason: str) -> InputError:
        return InputError(
            f"{self.path} is damaged or not a ledger ({reason}); move it away to start the batch over"
        )


def read_entries(path: Path) -> list[Entry]:
    """All jobs of a batch, which may be running; see `Ledger`."""
    with closing(Ledger(path, readonly=True)) as ledger:
        return ledger.entries()


def _asked(job: Job) -> dict[str, str]:
    """A job as columns; `job` holds whatever has no column of its own."""
    values = job.to_json()
    name, photos, output = (values.pop(column) for column in ("name", "photos", "output"))
    return {
        "name": name,
        "painting": job.paintings[0] if job.paintings else "",
        "photos": json.dumps(photos),
        "output": output,
        "job": json.dumps(values, sort_keys=True),
    }


def _stored(value: Any) -> Any:
    """A value as SQLite takes it: names are bytes, and a text that is no UTF-8 is stored as these."""
    try:
        if isinstance(value, str):
            value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")
    return value


def _restored(value: Any) -> Any:
    """What `_stored` stored."""
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value


def _entry(stored: sqlite3.Row) -> Entry:
    row = {key: _restored(stored[key]) for key in stored.keys()}  # noqa: SIM118 - a Row iterates over its values
    asked = {"name": row["name"], "photos": parsed(row["photos"]), "output": row["output"]}
    values = {column: row[column] for column in COLUMNS}
    values |= {column: parsed(row[column]) for column in JSON_COLUMNS}
    values |= {"state": State(row["state"]), "again": bool(row["again"])}
    verdict, seeds = row.get("verdict"), row.get("seeds")  # version 1 has neither
    values |= {"verdict": Verdict(verdict) if verdict else None, "seeds": parsed(seeds) if seeds else None}
    values["note"] = row.get("note") or ""
    entry: Entry = restored(Entry, {"job": {**parsed(row["job"]), **asked}, **values})
    return entry.asked(entry.job)
