"""Runs jobs in processes on this machine. `sinct.batch.ray_workers` does the same on a Ray cluster."""

import queue
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from sinct.batch.jobs import Outcome, Request
from sinct.batch.places import Event, Slot
from sinct.runtime.device import memory
from sinct.runtime.processes import Child, End, Share


class LocalWorkers:
    """Runs each job in its own process, so that a crash ends only that job.

    Args:
        slots: places for jobs.
    """

    def __init__(self, slots: Sequence[Slot]) -> None:
        self.places = len(slots)
        self.sharing = max(sum(other.device == slot.device for other in slots) for slot in slots)
        self._free = list(slots)
        self._running: dict[str, tuple[Child, Slot]] = {}
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def start(self, request: Request, need: int) -> None:
        """Start a job; see `sinct.batch.places.Workers`."""
        slot = self._free[-1]
        device = slot.device if request.device == "auto" else request.device
        request = replace(request, device=device, threads=slot.threads)
        folder = Path(request.folder)
        folder.mkdir(parents=True, exist_ok=True)
        child = Child(
            "sinct.batch.worker",
            request.to_json(),
            folder / "worker.log",
            lambda message: self._events.put(_event(request, message)),
            environment={} if slot.threads is None else {"OMP_NUM_THREADS": str(slot.threads)},
        )
        self._running[request.job.name] = (child, self._free.pop())

    def wait(self, seconds: float) -> list[Event]:
        """What happened; see `sinct.batch.places.Workers`."""
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
        """Let every job save its state and end; see `sinct.batch.places.Workers`."""
        for child, _ in self._running.values():
            child.stop()
        for child, _ in self._running.values():
            child.wait()


def _event(request: Request, message: Share | End) -> Event:
    """An event for the job from its process's progress or end."""
    name = request.job.name
    if isinstance(message, Share):
        return Event(name, message.done, message.remaining)
    if message.outcome is not None:
        return Event(name, 1.0, outcome=Outcome.from_json(message.outcome), ended=True)
    if message.stopped:
        return Event(name, 1.0, ended=True)
    outcome = Outcome(request.key, message.fault, again=True, out_of_memory=message.killed)
    return Event(name, 1.0, outcome=outcome, ended=True)
