"""The batches that a studio shows, without any words of HTTP: their jobs, verdicts, and the process that works."""

import base64
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from sinct.batch import (
    Entry,
    State,
    Verdict,
    export_text,
    judge,
    ledger_path,
    only,
    read_entries,
    storage,
    to_retry,
)
from sinct.batch.ledger import run_folder
from sinct.batch.review import sharing
from sinct.batch.thumbnails import SIDE, thumbnail
from sinct.errors import ConfigError, InputError
from sinct.pictures.deep_zoom import read_deep_zoom
from sinct.pictures.glance import read_small
from sinct.report.pictures import to_image
from sinct.runtime.files import printable
from sinct.runtime.locks import worked_on
from sinct.studio.batch_report import Reports
from sinct.studio.batch_rows import LARGE, id_of, is_deep, place_of, row
from sinct.studio.batch_worker import WORKING, BatchFiles, BatchState
from sinct.studio.folder import MOST, inside
from sinct.studio.processes import Busy
from sinct.studio.studio import Studio

ROLES = ("painting", "photo", "result")
"""Pictures of a job that a page shows."""

Stamp = tuple[tuple[int, int] | None, ...]

SETTLED = 5.0
"""Seconds after which a ledger's files no longer change unseen. What is committed to them can be read only once it has
been synchronised, when their stamp has been as it is for a while."""


@dataclass(frozen=True)
class Table:
    """The jobs of a batch as they were at one moment.

    Attributes:
        stamp: what changes with them.
        entries: the jobs by their ids, in their order.
        rows: likewise as a page shows them; a row that has not changed is the same object as before.
        settled: whether nothing can have been missed that had the same stamp.
    """

    stamp: Stamp
    entries: Mapping[str, Entry]
    rows: Mapping[str, dict[str, Any]]
    settled: bool


class Batches:
    """The batches in a studio's folder: the folder itself, if it is that of a batch, and folders directly in it.

    A page speaks of a batch by the name of its folder, of the studio's own by an empty name.

    Args:
        studio: the studio.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self.files, self._reports = BatchFiles(studio.place), Reports()
        self._tables: dict[str, Table] = {}
        self._lock = threading.Lock()

    # What there is ------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Names of the batches, the studio's own folder first."""
        folder = self._studio.folder
        found = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        return [name for name in ("", *found) if self.has(name)][:MOST]

    def has(self, name: str) -> bool:
        """Whether there is such a batch."""
        with suppress(InputError):
            self.folder(name)
            return True
        return False

    def folder(self, name: str) -> Path:
        """Folder of a batch.

        Raises:
            InputError: there is no such batch, or its ledger is a link that leaves it.
        """
        own = self._studio.folder
        folder = inside(own, name) if name else own
        ledger = ledger_path(folder)
        if not ledger.is_file() or folder.resolve() not in ledger.resolve().parents:
            raise InputError(f"{printable(name) or 'this folder'} holds no batch; choose another one")
        return folder

    def table(self, name: str) -> Table:
        """The jobs of a batch, read anew where its ledger has changed.

        Raises:
            InputError: there is no such batch, or its ledger is damaged.
            OutputError: the ledger cannot be used.
        """
        folder = self.folder(name)
        with self._lock:
            before = self._tables.get(name)
            stamp = _stamp(folder)
            settled = all(each is None or time.time() - each[0] / 1e9 > SETTLED for each in stamp)
            if before is not None and before.settled and before.stamp == stamp:
                entries = before.entries
                changing = [key for key, entry in entries.items() if entry.state is State.running]
            else:
                entries = {id_of(entry.name): entry for entry in read_entries(ledger_path(folder))}
                changing = list(entries)
            rows = (
                {} if before is None else {key: each for key, each in before.rows.items() if key in entries}
            )
            for key in changing:
                made = row(entries[key], folder)
                if rows.get(key) != made:
                    rows[key] = made
            table = Table(stamp, entries, {key: rows[key] for key in entries}, settled)
            self._tables[name] = table
            return table

    def entry(self, name: str, key: str) -> Entry:
        """A job by its id.

        Raises:
            InputError: there is none; or as for `table`.
        """
        found = self.table(name).entries.get(key)
        if found is None:
            raise InputError("the batch has no such job any more; load the page anew")
        return found

    def state(self, name: str) -> dict[str, Any]:
        """Who works on a batch and how far that has come, JSON-serialisable.

        Returns:
            working: whether a process works on it. here: whether it is the studio's own. who: the other, in words.
            busy: what the studio's process works on instead, or None. stopping, phase, message, remaining, at: see
            `BatchState`. shares: likewise, by ids.

        Raises:
            InputError: there is no such batch.
        """
        folder = self.folder(name)
        worker = self._studio.processes.working()
        here = worker is not None and worker.task == "batch" and worker.run == _called(name)
        who = None if here else worked_on(ledger_path(folder).parent)
        told = self.files.state()
        if told is None or told.batch != name:
            told = BatchState(name, "starting" if here else "")
        vanished = told.phase in WORKING and not here
        return {
            "working": here or who is not None,
            "here": here,
            "who": who,
            "busy": None if worker is None or here else worker.run,
            "stopping": here and self.files.stop.exists(),
            "phase": "failed" if vanished else told.phase,
            "message": "its process ended before it was done; what it had saved is kept"
            if vanished
            else told.message,
            "remaining": told.remaining if here else None,
            "at": told.at,
            "shares": {id_of(job): share for job, share in told.shares.items()} if here else {},
        }

    def retried(self, name: str) -> int:
        """How many jobs `retry` makes anew without being told which.

        Raises:
            InputError: as for `table`.
        """
        return len(to_retry(self.table(name).entries.values()))

    # What can be done ---------------------------------------------------------------------------------

    def judge(self, name: str, keys: Sequence[str], verdict: str, note: str) -> str:
        """Accept or reject finished pictures; an empty verdict takes one back.

        Returns:
            Why the batch's report does not show it, in one line; empty if it does, or if there is no report.

        Raises:
            InputError: there is no such job, or no picture; or the note is too long.
            ConfigError: there is no such verdict.
            OutputError: the ledger cannot be written.
        """
        if verdict not in ("", *Verdict):
            raise ConfigError(
                f"there is no verdict {printable(verdict)[:50]}; choose one of {', '.join(Verdict)}"
            )
        names = [self.entry(name, key).name for key in keys]
        folder = self.folder(name)
        judge(folder, names, Verdict(verdict) if verdict else None, note)
        return self._reports.renew(folder)

    def resume(self, name: str) -> None:
        """Begin to do what is left of a batch.

        Raises:
            Busy: a process works already, for the studio or on the batch.
            InputError: there is no such batch.
            OutputError: no process can be started.
        """
        self._start(name, [])

    def retry(self, name: str, keys: Sequence[str]) -> None:
        """Begin to make jobs anew, and to do what is left.

        Args:
            name: the batch's name.
            keys: ids of the jobs; without any, all that failed or were rejected.

        Raises:
            Busy: a process works already, for the studio or on the batch.
            InputError: there is no such job, or nothing to make anew, or it would come out the same.
            OutputError: no process can be started.
        """
        entries = self.table(name).entries
        names = [self.entry(name, key).name for key in keys] or to_retry(entries.values())
        if not names:
            raise InputError("no job has failed and no picture is rejected; there is nothing to make anew")
        if alike := sorted(set(names) & set(sharing(entries.values()))):
            raise InputError(
                f"{printable(alike[0])} shares its model with others, so it would come out the same; reject the model "
                "and make that anew"
            )
        self._start(name, names)

    def _start(self, name: str, again: Sequence[str]) -> None:
        folder = self.folder(name)
        with self._studio.lock:
            self._studio.processes.check_idle()
            if who := worked_on(ledger_path(folder).parent):
                raise Busy(f"{who} works on this batch; wait until it has ended")
            self._studio.stopwatch.abandon()
            self.files.stop.unlink(missing_ok=True)
            self.files.write(BatchState(name, "starting"))
            request = {
                "place": str(self._studio.place),
                "batch": name,
                "folder": str(folder),
                "again": list(again),
            }
            self._studio.processes.start_batch(_called(name), request, self.files.log)

    def stop(self, name: str) -> None:
        """Ask the studio's process to save everything and to end.

        Raises:
            InputError: it does not work on this batch.
        """
        self.folder(name)
        if not self.state(name)["here"]:
            raise InputError(
                "the studio does not work on this batch; stop it where it was started, with Ctrl-C"
            )
        self.files.stop.touch()

    def export(self, name: str, suffix: str, which: str) -> str:
        """The table of the jobs as `sinct batch export` writes it.

        Args:
            name: the batch's name.
            suffix: ".csv" or ".json".
            which: "accepted", "rejected" or "undecided"; empty for all.

        Raises:
            InputError: as for `table`.
            ConfigError: there is no such kind of file, or no such choice.
        """
        entries: Iterable[Entry] = self.table(name).entries.values()
        return export_text(suffix, list(only(entries, which) if which else entries), self.folder(name))

    # Pictures -----------------------------------------------------------------------------------------

    def small(self, name: str, key: str, role: str) -> bytes:
        """A JPEG of a job's painting, photo or result; made once, and kept in the batch's folder.

        Raises:
            InputError: there is no such picture, or it cannot be read.
            OutputError: the folder cannot be written to.
        """
        entry, place = self._picture(name, key, role)
        if is_deep(place):
            place = str(read_deep_zoom(Path(place)).overview())
        if role == "result" and entry.state is not State.done:
            return _encoded(Path(place), 2 * SIDE, "JPEG")  # a preview changes too often to be kept
        return base64.b64decode(thumbnail(self.folder(name), place).partition(",")[2])

    def large(self, name: str, key: str, role: str) -> bytes:
        """A PNG of a job's painting, photo or result, with sides of at most `LARGE` pixels.

        Raises:
            InputError: there is no such picture, or it cannot be read.
        """
        place = self._picture(name, key, role)[1]
        if is_deep(place):
            raise InputError("the picture is a Deep Zoom, which is shown in a viewer of its own")
        return _encoded(Path(place), LARGE, "PNG")

    def _picture(self, name: str, key: str, role: str) -> tuple[Entry, str]:
        entry = self.entry(name, key)
        place = place_of(entry, role, self.folder(name)) if role in ROLES else ""
        if not place or storage.is_remote(place):
            raise InputError("there is no such picture on this machine")
        return entry, place

    def model(self, name: str, key: str) -> Path:
        """Run directory of the model that a job's result was made with.

        Raises:
            InputError: there is no such job.
        """
        entry = self.entry(name, key)
        return run_folder(self.folder(name), entry.job.needs or entry.name) / "run"

    def options(self, name: str, key: str) -> list[tuple[str, str]]:
        """The options of `sinct apply`, names with values, that make a job's result from its model again.

        Raises:
            InputError: there is no such job.
        """
        entry = self.entry(name, key)
        settings = entry.job.settings
        found = [] if settings.strength == 1 else [("strength", f"{settings.strength:g}")]
        found += [("keep", part) for part in settings.keep]
        return found + [("mask", printable(mask)) for mask in entry.job.masks]


def _called(name: str) -> str:
    """A batch in words, which tell it from all others and from runs."""
    return f"the batch {name}" if name else "this folder's batch"


def _stamp(folder: Path) -> Stamp:
    """Values that change with a batch's ledger."""
    ledger = ledger_path(folder)
    found: list[tuple[int, int] | None] = []
    for path in (ledger, ledger.with_name(f"{ledger.name}-wal")):
        try:
            facts = path.stat()
            found.append((facts.st_mtime_ns, facts.st_size))
        except OSError:
            found.append(None)
    return tuple(found)


def _encoded(path: Path, side: int, kind: str) -> bytes:
    """A picture of any kind as one that a browser shows."""
    file = BytesIO()
    options = {"compress_level": 1} if kind == "PNG" else {"quality": 90}
    to_image(read_small(path, side)).save(file, kind, **options)
    return file.getvalue()
