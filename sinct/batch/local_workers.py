"""Where jobs run: processes on this machine. `sinct.batch.ray_workers` has the same on a Ray cluster."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from sinct.batch.perform import Outcome, Request
from sinct.runtime.device import cores, memory

CORES = 2
"""Cores of one job by default."""

GRACE = 120.0
"""Seconds that workers have to save their state when the batch is stopped."""


@dataclass(frozen=True)
class Slot:
    """A place for one job at a time.

    Attributes:
        device: that it computes on.
        threads: of the CPU; None leaves it to torch.
    """

    device: str
    threads: int | None


@dataclass(frozen=True)
class Event:
    """What happened to a job.

    Attributes:
        name: of the job.
        share: that is done, in [0, 1].
        remaining: seconds left, where they can be told.
        outcome: where it ended; None while it runs, and where it was stopped as asked.
        ended: whether its place is free again.
    """

    name: str
    share: float = 0.0
    remaining: float | None = None
    outcome: Outcome | None = None
    ended: bool = False


class Workers(Protocol):
    """Runs jobs somewhere.

    Attributes:
        places: jobs that can run at a time.
        sharing: jobs that share a device.
    """

    places: int
    sharing: int

    def start(self, request: Request, need: int) -> None:
        """Begin a job that needs so many bytes of memory; there is a free place."""

    def wait(self, seconds: float) -> list[Event]:
        """What happened, waiting for it at most so long."""

    def room(self) -> int | None:
        """Bytes that another job may take; None where that is not known or someone else's business."""

    def stop(self) -> None:
        """Let every job save its state and end; those that do not are ended."""


def local_slots(device: torch.device, workers: int | None, *, every: bool = False) -> list[Slot]:
    """Places for jobs on this machine, spread over its GPUs, or over the cores that this process may use.

    Args:
        device: that was chosen.
        workers: in all; None for one on each GPU, or as many as keep the cores busy.
        every: use every GPU instead of the chosen one.
    """
    if device.type != "cpu":
        names = [str(device)]
        if device.type == "cuda" and every:
            names = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
        return [Slot(names[number % len(names)], None) for number in range(workers or len(names))]
    usable = cores()
    workers = workers or max(1, usable // CORES)
    return [Slot("cpu", max(1, usable // workers)) for _ in range(workers)]


class LocalWorkers:
    """A process for each job, so that one's end, whatever its cause, is not the others'.

    Args:
        slots: places for jobs.
    """

    def __init__(self, slots: Sequence[Slot]) -> None:
        self.places = len(slots)
        self.sharing = max(sum(other.device == slot.device for other in slots) for slot in slots)
        self._free = list(slots)
        self._running: dict[str, tuple[subprocess.Popen[str], Slot]] = {}
        self._events: queue.Queue[Event] = queue.Queue()

    def start(self, request: Request, need: int) -> None:
        """Begin a job; see `Workers`."""
        slot = self._free.pop()
        values = {**request.to_json(), "threads": slot.threads}
        if request.device == "auto":
            values["device"] = slot.device
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        if slot.threads is not None:
            environment["OMP_NUM_THREADS"] = str(slot.threads)
        Path(request.folder).mkdir(parents=True, exist_ok=True)
        with open(Path(request.folder) / "worker.log", "w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "sinct.batch.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                errors="replace",
                env=environment,
                start_new_session=True,  # Ctrl-C is the coordinator's to pass on
            )
        assert process.stdin is not None
        with suppress(OSError):  # it ended at once, which its exit tells
            process.stdin.write(json.dumps(values) + "\n")
            process.stdin.flush()
        self._running[request.name] = (process, slot)
        threading.Thread(target=self._listen, args=(request, process), daemon=True).start()

    def wait(self, seconds: float) -> list[Event]:
        """What happened; see `Workers`."""
        found: list[Event] = []
        try:
            found.append(self._events.get(timeout=seconds))
            while True:
                found.append(self._events.get_nowait())
        except queue.Empty:
            pass
        for event in found:
            if event.ended:
                self._free.append(self._running.pop(event.name)[1])
        return found

    def room(self) -> int | None:
        """Bytes that another job may take."""
        found = memory(torch.device("cpu"))
        return int(found.free * 0.8) if found else None

    def stop(self) -> None:
        """Let every job save its state and end; see `Workers`."""
        for process, _ in self._running.values():
            _close_input(process)
        deadline = time.monotonic() + GRACE
        for process, _ in self._running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _listen(self, request: Request, process: subprocess.Popen[str]) -> None:
        """Pass on what a process says until it ends."""
        outcome: Outcome | None = None
        stopped = False
        assert process.stdout is not None
        for line in process.stdout:
            try:
                values = json.loads(line)
            except ValueError:
                continue  # something that a library prints
            if "share" in values:
                self._events.put(Event(request.name, values["share"], values.get("remaining")))
            elif "outcome" in values:
                outcome = Outcome.from_json(values["outcome"])
            elif "stopped" in values:
                stopped = True
        code = process.wait()
        process.stdout.close()
        _close_input(process)
        if outcome is None and not stopped:
            outcome = Outcome(request.key, _ended_by(code, request), again=True, out_of_memory=code == -9)
        self._events.put(Event(request.name, 1.0, outcome=outcome, ended=True))


def _close_input(process: subprocess.Popen[str]) -> None:
    """Tell a worker to save its state and end."""
    with suppress(OSError):  # what it did not read of its request
        if process.stdin is not None:
            process.stdin.close()


def _ended_by(code: int, request: Request) -> str:
    """Why a process ended that did not say so itself."""
    if code == -9:
        return "its process was killed, as systems do that run out of memory"
    log = Path(request.folder) / "worker.log"
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
        last = next((" ".join(line.split())[:200] for line in reversed(lines) if line.strip()), "")
    except OSError:
        last = ""
    how = f"signal {-code}" if code < 0 else f"code {code}"
    return f"its process ended with {how}{f': {last}' if last else ''} (see {log})"
