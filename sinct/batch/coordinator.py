"""Runs the jobs of a batch: finds what is left to do, starts it, and records how each job ended.

A batch's folder holds the outputs and `.sinct`, which has ledger.sqlite and, in `runs`, a folder for each job. When a
job is done, only what was needed to continue it is removed; its model, log and preview stay.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from sinct.batch import estimate
from sinct.batch.jobs import Job, Outcome, Request
from sinct.batch.ledger import Entry, Ledger, State, ledger_path, run_folder
from sinct.batch.places import Event, Workers
from sinct.batch.progress import OnProgress, Pace, Progress, Summary
from sinct.batch.review import anew
from sinct.batch.staleness import Hashes, failed, finished, judged, key_of, lacks_model, outlived
from sinct.errors import SinctError
from sinct.runtime.locks import alone

TICK = 0.5
"""Seconds between checks of whether to stop."""


def run_batch(
    jobs: Sequence[Job] | None,
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
        jobs: the collection; None for the one in the ledger.
        folder: the batch's folder; only one process may work on it at a time.
        workers: where jobs run.
        retries: further attempts after a failure that may be temporary.
        again: names of jobs to start afresh, with all their attempts; rejected ones with another seed.
        verify: read every finished file, rather than only those whose size or time has changed.
        max_memory: bytes for each job while it translates, see `sinct.translate`.
        on_progress: called with the progress.
        should_stop: asked twice a second; True makes every job save its state and end.

    Raises:
        OutputError: the folder cannot be written to, or another process is working on it.
        InputError: the ledger is damaged, or a job to start afresh does not exist or cannot have a seed of its own.
    """
    path = ledger_path(folder)
    with alone(path.parent, "choose another folder"), closing(Ledger(path)) as ledger:
        if jobs is not None:
            ledger.plan(jobs)
        for name in again:
            ledger.save(anew(ledger, name))
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
            for _ in range(10):  # they have ended, but their last messages may not have arrived
                if batch.running:
                    batch.hear(TICK)
        return Summary(tuple(ledger.entries()), tuple(batch.made), interrupted, tuple(batch.kept))


def plan_batch(jobs: Sequence[Job], folder: Path) -> None:
    """Record a collection as a batch that waits: `run_batch` without jobs then does what it would have done with them.

    Args:
        jobs: the collection.
        folder: the batch's folder.

    Raises:
        OutputError: the folder cannot be written to, or another process is working on it.
        InputError: the ledger is damaged.
    """
    path = ledger_path(folder)
    with alone(path.parent, "choose another folder"), closing(Ledger(path)) as ledger:
        ledger.plan(jobs)


class _Batch:
    """A running batch."""

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
        self.kept: list[str] = []
        self.pace = Pace()
        self.hashes = Hashes(self.entries.values(), verify=verify)

    def look(self) -> None:
        """Find what is left to do."""
        found = judged(self.entries.values(), self.folder, self.hashes, self.retries)
        for name, entry in found.items():
            before = self.entries[name]
            if entry != before:
                self._save(entry)
                if before.state is State.running and entry.state is State.done:
                    self._made(entry)
                elif entry.state is State.failed:
                    self._tell(f"{name}: failed: {entry.error}")
            if entry.state is State.waiting:
                self.waiting.append(name)
            elif outlived(entry, found.get(entry.job.needs or ""), self.hashes):
                self.kept.append(name)

    def run(self, should_stop: Callable[[], bool]) -> bool:
        """Start jobs and collect their results until none is left; returns whether it was stopped."""
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
        """The name of a job that may start now, if any."""
        if len(self.running) >= self.workers.places or any(
            self.entries[name].squeeze for name in self.running
        ):
            return None
        room = self.workers.room()
        for name in self.waiting:
            entry = self.entries[name]
            needs = entry.job.needs
            if needs and self.entries[needs].state is not State.done:
                continue
            if not self.running:  # a job alone may try, whatever memory it needs
                return name
            if entry.squeeze == 0 and (room is None or self._promised() + self._need(entry) <= room):
                return name
        return None

    def _promised(self) -> int:
        """About how many more bytes the running jobs will take."""
        return sum(
            int(self.needs[name] * (1 - min(1.0, 4 * share))) for name, (share, _) in self.running.items()
        )

    def _need(self, entry: Entry) -> int:
        if entry.name not in self.needs:
            self.needs[entry.name] = estimate.memory_need(entry, self.max_memory)
        return self.needs[entry.name]

    def _start(self, entry: Entry) -> None:
        job, needs = entry.job, entry.job.needs
        try:
            hashes = self.hashes.of(job)
            need = self._need(entry)
        except SinctError as error:
            self._fail(entry, Outcome("", str(error)))
            return
        key = key_of(job, hashes, self.entries[needs].key if needs else None)
        request = Request(
            job,
            key,
            folder=str(run_folder(self.folder, job.name).resolve()),
            model=str((run_folder(self.folder, needs) / "run").resolve()) if needs else "",
            max_memory=self.max_memory,
            halvings=max(0, entry.squeeze - 1),
            sharing=self.workers.sharing,
        )
        entry = replace(
            entry, state=State.running, attempts=entry.attempts + 1, key=key, error=None, hashes=hashes,
            started=time.time(), ended=None,
        )  # fmt: skip
        self._save(entry)
        try:
            self.workers.start(request, need)
        except OSError as error:
            self._fail(entry, Outcome(key, f"its process cannot be started: {error}", again=True))
            return
        self.running[job.name] = (0.0, None)
        self._tell(None)

    def hear(self, seconds: float) -> None:
        """Process what happened to running jobs."""
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
        if event.outcome is None:  # stopped as asked, which does not count as an attempt
            self._save(replace(entry, state=State.waiting, attempts=entry.attempts - 1))
        elif event.outcome.reason is None:
            entry = finished(entry, event.outcome)
            self._save(entry)
            self._made(entry)
        else:
            self._fail(entry, event.outcome)

    def _made(self, entry: Entry) -> None:
        self.made.append(entry.name)
        self._tell(f"{entry.name}: done")

    def _fail(self, entry: Entry, outcome: Outcome) -> None:
        entry = failed(entry, outcome, self.retries)
        self._save(entry)
        more = entry.state is State.waiting
        if more and entry.name not in self.waiting:
            self.waiting.append(entry.name)  # after all others
        self._tell(f"{entry.name}: {'will be tried again' if more else 'failed'}: {entry.error}")

    def _give_up(self) -> None:
        """Jobs that wait for a failed job fail with it."""
        for entry in [self.entries[name] for name in self.waiting]:
            self._fail(entry, Outcome("", lacks_model(entry)))
        self.waiting = []

    def _save(self, entry: Entry) -> None:
        self.ledger.save(entry)
        self.entries[entry.name] = entry

    def _tell(self, note: str | None) -> None:
        states = [entry.state for entry in self.entries.values()]
        shares = sum(share for share, _ in self.running.values())
        left = len(self.waiting) + len(self.running) - shares
        self.report(
            Progress(
                len(states),
                states.count(State.done),
                states.count(State.failed),
                dict(self.running),
                self.pace.remaining(len(self.made) + shares, left),
                note,
            )
        )
