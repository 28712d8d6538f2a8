"""Starts the studio's processes, one at a time, and finds them again after the studio itself was started anew."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from sinct.errors import OutputError
from sinct.runtime.json_files import read_json, restored, write_json
from sinct.runtime.processes import NEW_GROUP
from sinct.studio.run import StudioRun

TOLERANCE = 1.0
"""Seconds by which the recorded start of a process may be off; a number is not used again that soon."""

MODULES = ("sinct.studio.worker", "sinct.studio.batch_worker")
"""What the processes run."""


class Busy(OutputError):
    """Another process works for this studio."""


@dataclass(frozen=True)
class Worker:
    """A process that works on a run.

    Attributes:
        pid: its number.
        created: when it began, in seconds since 1970, which tells it from a later one of the same number.
        run: name of the run; of a batch, what `sinct.studio.batches` calls it in words.
        task: what it does, "train", "picture" or "batch".
    """

    pid: int
    created: float
    run: str
    task: str

    def lives(self) -> bool:
        """Whether it still works."""
        try:
            process = psutil.Process(self.pid)
            # The system's clock may have been set meanwhile, which moves the start of every process.
            same = abs(process.create_time() - self.created) < TOLERANCE or _is_ours(process)
            return same and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, OSError):
            return False


def _is_ours(process: psutil.Process) -> bool:
    """Whether a process is one that a studio starts."""
    return any(word in MODULES for word in process.cmdline())


class Processes:
    """The studio's processes. A training that outlives the studio is found again by its number and its start.

    Args:
        place: folder in which the process is recorded.
    """

    def __init__(self, place: Path) -> None:
        self._record, self._lock = place / "process.json", threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def working(self) -> Worker | None:
        """The process that works now."""
        if self._child is not None:
            self._child.poll()  # lets the system forget a child that has ended
        try:
            worker: Worker = restored(Worker, read_json(self._record), "process.json")
        except (OSError, ValueError):
            return None
        return worker if worker.lives() else None

    def start(self, run: StudioRun, task: str, request: Mapping[str, Any]) -> None:
        """Start a process that works on a run.

        Args:
            run: the run; its folder `studio` exists.
            task: "train" or "picture".
            request: what else the process has to know, see `sinct.studio.worker`.

        Raises:
            Busy: another process works.
            OutputError: the process cannot be started or recorded.
        """
        text = {"do": task, "run": str(run.path), **request}
        self._begin(MODULES[0], run.path.name, task, text, run.log)

    def start_batch(self, name: str, request: Mapping[str, Any], log: Path) -> None:
        """Start a process that works on a batch.

        Args:
            name: what the batch is called in words.
            request: what the process has to know, see `sinct.studio.batch_worker`.
            log: file for what it prints.

        Raises:
            Busy: another process works.
            OutputError: the process cannot be started or recorded.
        """
        self._begin(MODULES[1], name, "batch", request, log)

    def _begin(self, module: str, name: str, task: str, request: Mapping[str, Any], output: Path) -> None:
        """Start a module with a line of JSON on its standard input, and record it."""
        with self._lock:
            self.check_idle()
            try:
                with output.open("ab") as log:
                    child = subprocess.Popen(
                        [sys.executable, "-m", module],
                        stdin=subprocess.PIPE,
                        stdout=log,
                        stderr=log,
                        env={**os.environ, "PYTHONUNBUFFERED": "1"},
                        start_new_session=True,  # neither Ctrl-C nor a closed terminal reaches it
                        creationflags=NEW_GROUP,
                    )
            except OSError as error:
                raise OutputError(
                    f"no process can be started: {error.strerror}; close other programs"
                ) from None
            self._child = child
            worker = Worker(child.pid, psutil.Process(child.pid).create_time(), name, task)
            write_json(self._record, asdict(worker))
            assert child.stdin is not None
            with suppress(OSError):  # it ended at once, as its state will say
                child.stdin.write((json.dumps(request) + "\n").encode())
                child.stdin.close()

    def kill(self) -> None:
        """End the process that works, at once, and wait until it has ended."""
        worker = self.working()
        if worker is not None:
            with suppress(psutil.Error):
                process = psutil.Process(worker.pid)
                process.kill()
                process.wait()
        if self._child is not None:
            self._child.wait()

    def check_idle(self) -> None:
        """Refuse to begin while a process works.

        Raises:
            Busy: one does.
        """
        worker = self.working()
        if worker is not None:
            doing = {"train": "is being trained", "picture": "is being written"}.get(
                worker.task, "is worked on"
            )
            raise Busy(
                f"{worker.run} {doing}, and one thing is done at a time; stop it, or wait until it has ended"
            )
