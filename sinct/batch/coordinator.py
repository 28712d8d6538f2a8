"""Does the jobs of a batch: looks at what is done, starts what is left, and writes down how each ended.

A batch's folder holds the outputs and `.sinct`: ledger.sqlite, and in `runs` a folder for each job. Only what is kept
for continuing is removed when a job is done; its model, log and preview stay.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import filelock

from sinct.batch import estimate, storage
from sinct.batch.ledger import Entry, Ledger, State
from sinct.batch.local_workers import Event, Workers
from sinct.batch.perform import Outcome, Request
from sinct.errors import InputError, OutputError, SinctError
from sinct.runtime.files import unwritable

TICK = 0.5
"""Seconds between two looks at the wish to stop."""


@dataclass(frozen=True)
class Progress:
    """How a batch stands.

    Attributes:
        total: jobs of the collection.
        done: that are done, from before and now.
        failed: that failed and are not tried again.
        running: name -> share done and seconds left, of those that run.
        remaining: seconds left for all, where they can be told.
        note: what just happened to one, a line; None where only shares changed.
    """

    total: int
    done: int
    failed: int
    running: Mapping[str, tuple[float, float | None]]
    remaining: float | None
    note: str | None = None


@dataclass(frozen=True)
class Summary:
    """How a batch ended.

    Attributes:
        entries: every job.
        made: names of those that were done now.
        interrupted: whether it was stopped as asked; the same call goes on.
    """

    entries: tuple[Entry, ...]
    made: tuple[str, ...]
    interrupted: bool

    def count(self, state: State) -> int:
        """Jobs in a state."""
        return sum(entry.state is state for entry in self.entries)


OnProgress = Callable[[Progress], None]


def ledger_path(folder: Path) -> Path:
    """Where the ledger of a batch lies."""
    return folder / ".sinct" / "ledger.sqlite"


def run_folder(folder: Path, name: str) -> Path:
    """Where a job's run lies."""
    return folder / ".sinct" / "runs" / name


def run_batch(
    entries: Sequence[Entry] | None,
    folder: Path,
    workers: Workers,
    *,
    retries: int = 2,
    again: Sequence[str] = (),
    verify: bool = False,
    max_memory: int | None = None,
    on_progress: OnProgress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Summary:
    """Do what is left of a batch.

    Args:
        entries: the collection; None for the one that the ledger has.
        folder: of the batch; one process at a time.
        workers: where jobs run.
        retries: attempts after the first one, for what may go better another time.
        again: names of failed jobs to be tried as if for the first time.
        verify: read every file that is done, instead of those alone whose size or time has changed.
        max_memory: bytes for each job while it translates, see `sinct.translate`.
        on_progress: called as it goes.
        should_stop: asked twice a second; True lets every job save its state, and ends.

    Raises:
        OutputError: the folder cannot be written, or another process works on it.
        InputError: the ledger is damaged.
    """
    path = ledger_path(folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path.parent / "lock", timeout=0)
        lock.acquire()
    except filelock.Timeout:
        raise OutputError(f"another sinct works on {folder}; wait for it, or give another -o") from None
    except OSError as error:
        raise unwritable(folder, error) from None
    try:
        with closing(Ledger(path)) as ledger:
            if entries is not None:
                ledger.plan(entries)
            for name in again:
                ledger.reset(ledger.entry(name).name)
            batch = _Batch(
                ledger,
                folder,
                workers,
                retries,
                max_memory,
                on_progress or (lambda progress: None),
                verify=verify,
            )
            batch.look()
            try:
                interrupted = batch.run(should_stop or (lambda: False))
            finally:
                workers.stop()
                for _ in range(10):  # they have ended; what they said last is on its way
                    if batch.running:
                        batch.hear(TICK)
            return Summary(tuple(ledger.entries()), tuple(batch.made), interrupted)
    finally:
        lock.release()


def preview(entries: Sequence[Entry], folder: Path) -> list[Entry]:
    """What a run would find, without changing anything: entries with the state that they would begin with."""
    path = ledger_path(folder)
    known: dict[str, Entry] = {}
    if path.exists():
        with closing(Ledger(path, readonly=True)) as ledger:
            known = {entry.name: entry for entry in ledger.entries()}
    keys = _Keys(known)
    found = []
    for entry in entries:
        earlier = known.get(entry.name)
        fault = entry.job["fault"]
        if fault:
            found.append(replace(entry, state=State.failed, error=fault))
        elif earlier is None:
            found.append(entry)
        else:
            entry = replace(
                earlier, job=entry.job, painting=entry.painting, photos=entry.photos, output=entry.output
            )
            try:
                same = earlier.state is State.done and keys.key(entry, keys.inputs(entry)) == earlier.key
            except SinctError as error:
                found.append(replace(entry, state=State.failed, error=str(error)))
                continue
            found.append(
                entry if same or earlier.state is State.failed else replace(entry, state=State.waiting)
            )
    return found


class _Keys:
    """Hashes of what results depend on; files are read once, or not at all where they are as they were."""

    def __init__(self, known: Mapping[str, Entry], *, verify: bool = False) -> None:
        self.known = known
        self.hashes: dict[str, str] = {}
        self.verify = verify
        self.stamps: dict[tuple[str, str], str] = {
            (place, json.dumps(stamp)): digest
            for entry in known.values()
            for place, (stamp, digest) in entry.hashes.items()
        }

    def seen(self, place: str) -> list[Any]:
        """Stamp and hash of a file; trusts a size and time that it had when it was read."""
        stamp = storage.stamp(place)
        mark = (place, json.dumps(stamp))
        if self.verify or mark not in self.stamps:
            if place not in self.hashes:
                self.hashes[place] = storage.sha256(place)
            self.stamps[mark] = self.hashes[place]
        return [stamp, self.stamps[mark]]

    def inputs(self, entry: Entry) -> dict[str, Any]:
        """Place -> stamp and hash, of all that a job reads."""
        return {place: self.seen(place) for place in _places(entry)}

    def key(self, entry: Entry, inputs: Mapping[str, Any]) -> str:
        """Hash of inputs, settings, and of the model that is applied."""
        needs = entry.job["needs"]
        facts = {
            "inputs": [inputs[place][1] for place in _places(entry)],
            "settings": entry.job["settings"],
            "kind": entry.job["kind"],
            "output": entry.output,
            "model": self.known[needs].key if needs else None,
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _places(entry: Entry) -> tuple[str, ...]:
    """All that a job reads."""
    return (*entry.job["paintings"], *entry.photos)


class _Batch:
    """A batch while it is being done."""

    def __init__(
        self,
        ledger: Ledger,
        folder: Path,
        workers: Workers,
        retries: int,
        max_memory: int | None,
        report: OnProgress,
        *,
        verify: bool,
    ) -> None:
        self.ledger, self.folder, self.workers = ledger, folder, workers
        self.retries, self.max_memory, self.report = retries, max_memory, report
        self.entries = {entry.name: entry for entry in ledger.entries()}
        self.waiting: list[str] = []
        self.running: dict[str, tuple[float, float | None]] = {}
        self.needs: dict[str, int] = {}
        self.made: list[str] = []
        self.began = time.monotonic()
        self.keys = _Keys(self.entries, verify=verify)

    # Looking --------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Find out what is left to do."""
        for name, entry in list(self.entries.items()):
            if entry.job["fault"]:
                self._failed(entry, Outcome("", entry.job["fault"]))
                continue
            try:
                self._look_at(entry)
            except OutputError as error:
                self._failed(entry, Outcome(entry.key, str(error)))
            except InputError as error:
                if entry.state is not State.done:  # what is done stays so when its inputs are gone
                    self._failed(entry, Outcome("", str(error)))
            if self.entries[name].state is State.waiting:
                self.waiting.append(name)

    def _look_at(self, entry: Entry) -> None:
        needs = entry.job["needs"]
        if needs and self.entries[needs].state is not State.done:
            if entry.state is not State.waiting:
                self._reset(entry)  # the model will be another
            return
        if not entry.key:  # never begun: whatever was in its way may be gone
            if entry.state is not State.waiting:
                self._reset(entry)
            return
        key = self.keys.key(entry, self.keys.inputs(entry))
        if entry.state is State.running:  # the process that ran it is gone
            outcome = Outcome.load(run_folder(self.folder, entry.name) / "outcome.json")
            if (
                outcome is not None
                and outcome.key == key
                and outcome.reason is None
                and self._is_whole(entry, outcome)
            ):
                self._done(entry, outcome)
            else:
                self._set(entry.name, state="waiting", attempts=max(0, entry.attempts - 1))
        elif entry.state is not State.waiting and key != entry.key:
            self._reset(entry)  # an input or a setting is another
        elif entry.state is State.failed and entry.again and entry.attempts <= self.retries:
            self._set(entry.name, state="waiting")
        elif entry.state is State.done and entry.output:
            self._check_output(entry)

    def _check_output(self, entry: Entry) -> None:
        """A finished output is there and as it was written, or is made again if it is gone."""
        stamp, digest = entry.hashes[entry.output]
        try:
            if not self.keys.verify and storage.stamp(entry.output) == stamp:
                return
            found = storage.sha256(entry.output)
        except InputError:
            self._reset(entry)
            return
        if found != digest:
            raise OutputError(
                f"{entry.output} was changed after it was finished; move it away, or `sinct batch retry` replaces it"
            )

    def _is_whole(self, entry: Entry, outcome: Outcome) -> bool:
        """Whether what an outcome tells of is there."""
        if not entry.output:
            return (run_folder(self.folder, entry.name) / "run" / "model.safetensors").exists()
        try:
            return storage.sha256(entry.output) == outcome.output_sha256
        except InputError:
            return False

    # Doing ----------------------------------------------------------------------------------------------

    def run(self, should_stop: Callable[[], bool]) -> bool:
        """Start jobs and hear how they end until none is left; whether it was stopped."""
        self._tell(None)
        while self.waiting or self.running:
            if should_stop():
                return True
            while (name := self._next()) is not None:
                self.waiting.remove(name)
                self._start(self.entries[name])
            if self.running:
                self.hear(TICK)
            elif self.waiting:
                self._give_up()
        return False

    def _next(self) -> str | None:
        """A job that may begin now."""
        if len(self.running) >= self.workers.places or any(
            self.entries[name].squeeze for name in self.running
        ):
            return None
        room = self.workers.room()
        for name in self.waiting:
            entry = self.entries[name]
            needs = entry.job["needs"]
            if needs and self.entries[needs].state is not State.done:
                continue
            if not self.running:  # alone it may try, whatever it takes
                return name
            if entry.squeeze == 0 and (room is None or self._promised() + self._need(entry) <= room):
                return name
        return None

    def _promised(self) -> int:
        """Bytes that running jobs have yet to take, about."""
        return sum(
            int(self.needs[name] * (1 - min(1.0, 4 * share))) for name, (share, _) in self.running.items()
        )

    def _need(self, entry: Entry) -> int:
        if entry.name not in self.needs:
            self.needs[entry.name] = estimate.memory_need(entry, self.max_memory)
        return self.needs[entry.name]

    def _start(self, entry: Entry) -> None:
        try:
            hashes = self.keys.inputs(entry)
            key = self.keys.key(entry, hashes)
            needs = entry.job["needs"]
            request = Request(
                name=entry.name,
                kind=entry.job["kind"],
                paintings=tuple(entry.job["paintings"]),
                photos=entry.photos,
                output=entry.output,
                folder=str(run_folder(self.folder, entry.name).resolve()),
                model=str((run_folder(self.folder, needs) / "run").resolve()) if needs else "",
                settings=entry.job["settings"],
                key=key,
                max_memory=self.max_memory,
                halvings=max(0, entry.squeeze - 1),
                sharing=self.workers.sharing,
            )
            need = self._need(entry)
        except SinctError as error:
            self._failed(entry, Outcome("", str(error)))
            return
        self.ledger.start(entry.name, key)
        self._set(entry.name, hashes=hashes)
        try:
            self.workers.start(request, need)
        except OSError as error:
            self._failed(self.entries[entry.name], Outcome(key, f"cannot be started: {error}", again=True))
            return
        self.running[entry.name] = (0.0, None)
        self._tell(None)

    def hear(self, seconds: float) -> None:
        """Take in what happened to running jobs."""
        for event in self.workers.wait(seconds):
            if event.name in self.running:
                self._take(event)

    def _take(self, event: Event) -> None:
        if not event.ended:
            self.running[event.name] = (event.share, event.remaining)
            self._tell(None)
            return
        del self.running[event.name]
        entry = self.entries[event.name]
        if event.outcome is None:  # stopped as asked: no attempt of its own
            self._set(entry.name, state="waiting", attempts=entry.attempts - 1)
        elif event.outcome.reason is None:
            self._done(entry, event.outcome)
        else:
            self._failed(entry, event.outcome)

    def _done(self, entry: Entry, outcome: Outcome) -> None:
        hashes = dict(entry.hashes)
        if entry.output:
            hashes[entry.output] = [storage.stamp(entry.output), outcome.output_sha256]
        self._set(
            entry.name, state="done", error=None, warnings=list(outcome.warnings), figures=dict(outcome.figures),
            hashes=hashes, ended=time.time(),
        )  # fmt: skip
        self.made.append(entry.name)
        self._tell(f"{entry.name}: done")

    def _failed(self, entry: Entry, outcome: Outcome) -> None:
        squeeze = entry.squeeze + outcome.out_of_memory
        more = outcome.again and entry.attempts <= self.retries
        self._set(
            entry.name, state="waiting" if more else "failed", error=outcome.reason, again=outcome.again,
            squeeze=squeeze, ended=time.time(),
        )  # fmt: skip
        if more and entry.name not in self.waiting:
            self.waiting.append(entry.name)  # after all the others
        self._tell(f"{entry.name}: {'will be tried again' if more else 'failed'}: {outcome.reason}")

    def _give_up(self) -> None:
        """What waits for a job that failed fails with it."""
        for name in self.waiting:
            entry = self.entries[name]
            self._failed(entry, Outcome("", f"{entry.job['needs']} failed, whose model it needs"))
        self.waiting = []

    def _reset(self, entry: Entry) -> None:
        self.ledger.reset(entry.name)
        self._reread(entry.name)

    def _set(self, name: str, **values: Any) -> None:
        self.ledger.update(name, **values)
        self._reread(name)

    def _reread(self, name: str) -> None:
        self.entries[name] = self.ledger.entry(name)

    def _tell(self, note: str | None) -> None:
        states = [entry.state for entry in self.entries.values()]
        done, failed = states.count(State.done), states.count(State.failed)
        self.report(Progress(len(states), done, failed, dict(self.running), self._remaining(), note))

    def _remaining(self) -> float | None:
        """Seconds left, from the pace of this run and how far its jobs are."""
        shares = sum(share for share, _ in self.running.values())
        progress = len(self.made) + shares
        left = len(self.waiting) + len(self.running) - shares
        if progress < 0.05:
            return None
        return (time.monotonic() - self.began) / progress * left
