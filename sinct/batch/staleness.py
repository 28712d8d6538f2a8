"""Decides which jobs are done and still valid, and which are left to do, both for runs and for dry runs."""

import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from sinct.batch import storage
from sinct.batch.checks import Checks
from sinct.batch.jobs import Job, Outcome
from sinct.batch.ledger import Entry, Ledger, State, Verdict, ledger_path, run_folder
from sinct.errors import InputError


class Hashes:
    """Hashes of the files that results depend on; each is read once, or not at all if it has not changed.

    Args:
        known: jobs whose hashes are trusted for files of the same size and time.
        verify: trust no hash, and read every file.
    """

    def __init__(self, known: Iterable[Entry], *, verify: bool = False) -> None:
        self.verify = verify
        self._read: dict[str, str] = {}
        self._stamped: dict[tuple[str, str], str] = {
            (place, json.dumps(stamp)): digest
            for entry in known
            for place, (stamp, digest) in entry.hashes.items()
        }

    def of(self, job: Job) -> dict[str, Any]:
        """Place -> stamp and hash, for every file that a job reads.

        Raises:
            InputError: a file is missing or not readable.
        """
        return {place: self._of_file(place) for place in job.inputs}

    def _of_file(self, place: str) -> list[Any]:
        stamp = storage.stamp(place)
        mark = (place, json.dumps(stamp))
        if self.verify or mark not in self._stamped:
            if place not in self._read:
                self._read[place] = storage.sha256(place)
            self._stamped[mark] = self._read[place]
        return [stamp, self._stamped[mark]]


def key_of(job: Job, hashes: Mapping[str, Any], model: str | None) -> str:
    """Hash of everything that a job's result depends on; ledgers store it, so it must not change between versions.

    Args:
        job: what is asked for.
        hashes: see `Hashes.of`.
        model: key of the job whose model is applied; None if there is none.
    """
    facts = {
        "inputs": [hashes[place][1] for place in job.inputs],
        "settings": job.settings.to_json(),
        "kind": job.kind,
        "output": job.output,
        "model": model,
        **({"masks": len(job.masks)} if job.masks else {}),  # which of the inputs they are
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def judged(entries: Iterable[Entry], folder: Path, hashes: Hashes, retries: int) -> dict[str, Entry]:
    """The jobs as a run starts with them, each in its recorded state or, if that no longer holds, in its real one.

    Args:
        entries: all jobs of a batch, a series before those that need it.
        folder: the batch's folder.
        hashes: hashes of the files.
        retries: attempts after the first one.
    """
    found: dict[str, Entry] = {}
    for entry in entries:
        needed = found.get(entry.job.needs) if entry.job.needs else None
        found[entry.name] = _judged(entry, needed, folder, hashes, retries)
    return found


def _judged(entry: Entry, needed: Entry | None, folder: Path, hashes: Hashes, retries: int) -> Entry:
    if _settled(entry):  # whatever has changed since
        return _with_output(entry, hashes)
    if entry.job.fault:
        return _unfit(entry, entry.job.fault)
    if needed is not None and needed.state is State.failed:
        return _unfit(entry, lacks_model(entry))
    if needed is not None and needed.state is not State.done:
        return entry if entry.state is State.waiting else entry.reset()  # the model will change
    if not entry.key:  # never begun: the obstacle may be gone
        return entry if entry.state is State.waiting else entry.reset()
    try:
        key = key_of(entry.job, hashes.of(entry.job), needed.key if needed else None)
    except InputError as error:
        # A finished job stays done if its inputs are gone.
        return entry if entry.state is State.done else _unfit(entry, str(error))
    if entry.state is State.running:  # the process that ran it is gone
        outcome = Outcome.load(run_folder(folder, entry.name) / "outcome.json")
        if outcome is None or outcome.key != key or outcome.reason or not _is_whole(entry, outcome, folder):
            return replace(entry, state=State.waiting, attempts=max(0, entry.attempts - 1))
        return finished(entry, outcome)
    if entry.state is State.waiting:
        return entry
    if key != entry.key:
        return entry.reset()  # an input or a setting has changed
    if entry.job.output in entry.hashes:  # done, or failed only because the output changed afterwards
        return _with_output(entry, hashes)
    if entry.state is State.failed and entry.again and entry.attempts <= retries:
        return replace(entry, state=State.waiting)
    return entry


def _settled(entry: Entry) -> bool:
    """Whether a person has accepted the picture, which then stays."""
    return (
        entry.verdict is Verdict.accepted and entry.state is State.done and entry.job.output in entry.hashes
    )


def outlived(entry: Entry, needed: Entry | None, hashes: Hashes) -> bool:
    """Whether an accepted picture stays though its settings or inputs have changed, so that it would be made anew."""
    if not _settled(entry):
        return False
    if needed is not None and needed.state is not State.done:
        return True
    try:
        return key_of(entry.job, hashes.of(entry.job), needed.key if needed else None) != entry.key
    except InputError:
        return False


def finished(entry: Entry, outcome: Outcome) -> Entry:
    """The job, marked as done."""
    settings = entry.job.settings  # as made, whatever the collection asks for later
    figures = {**outcome.figures, "preset": settings.preset, "seed": settings.seed}
    hashes = dict(entry.hashes)
    if entry.job.output:
        hashes[entry.job.output] = [storage.stamp(entry.job.output), outcome.output_sha256]
    return replace(
        entry, state=State.done, error=None, warnings=outcome.warnings, figures=figures, hashes=hashes,
        ended=time.time(),
    )  # fmt: skip


def failed(entry: Entry, outcome: Outcome, retries: int) -> Entry:
    """The job after a failure; it waits if another attempt may succeed and it has attempts left."""
    more = outcome.again and entry.attempts <= retries
    return replace(
        entry, state=State.waiting if more else State.failed, error=outcome.reason, again=outcome.again,
        squeeze=entry.squeeze + outcome.out_of_memory, ended=time.time(),
    )  # fmt: skip


def lacks_model(entry: Entry) -> str:
    """The reason why a job fails after its series has failed."""
    return f"it needs the model of {entry.job.needs}, which failed"


def _unfit(entry: Entry, reason: str) -> Entry:
    """A job that cannot start; it is judged again once the reason is gone."""
    key = entry.key if entry.job.output in entry.hashes else ""
    return replace(failed(entry, Outcome("", reason), 0), key=key)


def _with_output(entry: Entry, hashes: Hashes) -> Entry:
    """The job: done if its output is unchanged, failed if it was changed, reset if it is missing."""
    output = entry.job.output
    stamp, digest = entry.hashes[output]
    try:
        changed = hashes.verify or storage.stamp(output) != stamp
        same = not changed or storage.sha256(output) == digest
    except InputError:
        return entry.reset()
    if same:
        return replace(entry, state=State.done, error=None)
    reason = f"{output} was changed after it was finished; move it away, or `sinct batch retry` replaces it"
    return failed(entry, Outcome(entry.key, reason), 0)


def _is_whole(entry: Entry, outcome: Outcome, folder: Path) -> bool:
    """Whether the result that an outcome promises exists."""
    if not entry.job.output:
        return (run_folder(folder, entry.name) / "run" / "model.safetensors").exists()
    try:
        return storage.sha256(entry.job.output) == outcome.output_sha256
    except InputError:
        return False


def preview(jobs: Sequence[Job], folder: Path, *, retries: int = 2, verify: bool = False) -> list[Entry]:
    """The entries that a run would start with, those that it would find to be faulty marked as failed; changes nothing.

    Args:
        jobs: the collection.
        folder: the batch's folder, which need not exist.
        retries, verify: as for `sinct.batch.coordinator.run_batch`.

    Raises:
        InputError: the ledger is damaged.
    """
    path = ledger_path(folder)
    known: dict[str, Entry] = {}
    if path.exists():
        with closing(Ledger(path, readonly=True)) as ledger:
            known = {entry.name: entry for entry in ledger.entries()}
    entries = [known.get(job.name, Entry(job)).asked(job) for job in jobs]
    found = judged(entries, folder, Hashes(entries, verify=verify), retries)
    checks = Checks()
    for name, entry in found.items():
        if entry.state is State.waiting:
            lost = entry.job.needs is not None and found[entry.job.needs].state is State.failed
            fault = lacks_model(entry) if lost else checks.fault(entry.job)
            if fault is not None:
                found[name] = _unfit(entry, fault)
    return list(found.values())
