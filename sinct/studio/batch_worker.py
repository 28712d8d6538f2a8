"""Works on a batch in a process of its own: `python -m sinct.studio.batch_worker`.

Like `sinct.studio.worker`, it gets one line of JSON on its standard input, lives on when its parent ends, says in a
file how far it has come, and stops when it finds the file `batch-stop`.
"""

import json
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sinct.errors import InputError, OutputError, SinctError, one_line
from sinct.runtime.files import printable
from sinct.runtime.json_files import plain, read_json, restored, write_json

if TYPE_CHECKING:
    from sinct.batch import Entry, Progress
    from sinct.batch.places import Workers

PAUSE = 0.5
"""Seconds between two writings of how far the jobs are."""

REPORT_SECONDS = {False: 60.0, True: 5.0}
"""Time for new thumbnails in the report at the end, of a batch that has ended and of one that was stopped."""

WORKING = ("starting", "working", "reporting")
"""Phases in which the process works."""


@dataclass(frozen=True)
class BatchState:
    """How far a process has come with a batch.

    Attributes:
        batch: the batch's name in the studio.
        phase: starting, working, reporting, finished, stopped or failed.
        message: what went wrong, in one line.
        shares: name of a job -> share of it that is done, in [0, 1], and seconds left, or None.
        remaining: seconds left for all jobs; None if unknown.
        at: when that was so, in seconds since 1970.
    """

    batch: str
    phase: str
    message: str = ""
    shares: Mapping[str, tuple[float, float | None]] = field(default_factory=dict)
    remaining: float | None = None
    at: float = 0.0


@dataclass(frozen=True)
class BatchFiles:
    """What a studio keeps of the process that works, or last worked, on a batch."""

    place: Path

    @property
    def stop(self) -> Path:
        """File that asks it to stop."""
        return self.place / "batch-stop"

    @property
    def log(self) -> Path:
        """What it printed."""
        return self.place / "batch-log.txt"

    def state(self) -> BatchState | None:
        """How far it has come; None where there was none."""
        with suppress(OSError, ValueError):
            found: BatchState = restored(BatchState, read_json(self.place / "batch.json"), "batch.json")
            return found
        return None

    def write(self, state: BatchState) -> None:
        """Say how far it has come."""
        write_json(self.place / "batch.json", plain(state))


class Teller:
    """Keeps the state of a batch's process up to date.

    Args:
        files: where it is kept.
        batch: the batch's name in the studio.
    """

    def __init__(self, files: BatchFiles, batch: str) -> None:
        self._files, self._state, self._last = files, BatchState(batch, "starting"), 0.0

    def tell(self, phase: str, message: str = "", progress: "Progress | None" = None) -> None:
        """Say how far the batch has come."""
        shares = {} if progress is None else dict(progress.running)
        remaining = None if progress is None else progress.remaining
        self._state = replace(
            self._state, phase=phase, message=message, shares=shares, remaining=remaining, at=time.time()
        )
        self._files.write(self._state)
        self._last = time.monotonic()

    def __call__(self, progress: "Progress") -> None:
        """Take the progress of a batch."""
        news = progress.note is not None or set(progress.running) != set(self._state.shares)
        if news or time.monotonic() - self._last >= PAUSE:
            self.tell("working", progress=progress)


def work(
    files: BatchFiles,
    batch: str,
    folder: Path,
    *,
    again: Sequence[str],
    should_stop: Callable[[], bool],
    workers: "Workers | None" = None,
) -> None:
    """Do what is left of a batch, and write its report, as `sinct batch retry` does.

    The report is written again if somebody gave a verdict while it was written.

    Args:
        files: where to say how far it has come.
        batch: its name in the studio.
        folder: its folder.
        again: names of jobs to start afresh.
        should_stop: asked twice a second.
        workers: where its jobs run; by default on this machine, as many at once as it has room for.
    """
    teller = Teller(files, batch)
    try:
        from sinct.batch import LocalWorkers, ledger_path, local_slots, read_entries, run_batch
        from sinct.batch.report import write_batch_report
        from sinct.runtime.device import choose_device

        teller.tell("working")
        if workers is None:
            workers = LocalWorkers(local_slots(choose_device("auto"), None, every=True))
        ledger = ledger_path(folder)
        summary = run_batch(
            None,
            folder,
            workers,
            again=again,
            on_progress=teller,
            should_stop=lambda: should_stop() or not ledger.exists(),
        )
        if not ledger.exists():
            raise InputError(f"{printable(folder.name)} was removed or moved, so nothing more is done")
        teller.tell("reporting")
        message = ""
        try:
            entries: Sequence[Entry] = summary.entries
            write_batch_report(folder, entries, seconds=REPORT_SECONDS[summary.interrupted])
            while _verdicts(now := read_entries(ledger)) != _verdicts(entries):  # given meanwhile
                entries = now
                write_batch_report(folder, entries, seconds=0)
        except OutputError as error:
            message = f"there is no report: {error}"
        teller.tell("stopped" if summary.interrupted else "finished", message)
    except SinctError as error:
        teller.tell("failed", str(error))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        teller.tell("failed", f"{where}{error.strerror or one_line(error)}; check the folder and the disk")
    except Exception as error:
        traceback.print_exc()
        teller.tell(
            "failed", f"it failed with {type(error).__name__}: {one_line(error)}; {files.log} says more"
        )


def _verdicts(entries: "Sequence[Entry]") -> list[tuple[str, str | None, str]]:
    return [(entry.name, entry.verdict, entry.note) for entry in entries]


def main() -> None:
    """Do what standard input asks for."""
    request = json.loads(sys.stdin.readline())
    files = BatchFiles(Path(request["place"]))
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: asked.set())
    warnings.simplefilter("default", UserWarning)  # into the log
    work(
        files,
        request["batch"],
        Path(request["folder"]),
        again=request["again"],
        should_stop=lambda: asked.is_set() or files.stop.exists(),
    )


if __name__ == "__main__":
    main()
