"""What `sinct.batch.local_workers` and `sinct.batch.ray_workers`, which run jobs, have in common."""

from dataclasses import dataclass
from typing import Protocol

import torch

from sinct.batch.jobs import Outcome, Request
from sinct.runtime.device import cores

CORES = 2
"""Cores for each job by default."""


@dataclass(frozen=True)
class Slot:
    """A place for one job at a time.

    Attributes:
        device: where the job runs.
        threads: threads on a CPU; None leaves the choice to torch.
    """

    device: str
    threads: int | None


@dataclass(frozen=True)
class Event:
    """What happened to a job.

    Attributes:
        name: name of the job.
        share: share of it that is done, in [0, 1].
        remaining: seconds left; None if unknown.
        outcome: its outcome; None while it runs, and if it was stopped as asked.
        ended: whether it has ended and its place is free.
    """

    name: str
    share: float = 0.0
    remaining: float | None = None
    outcome: Outcome | None = None
    ended: bool = False


class Workers(Protocol):
    """Runs jobs somewhere.

    Attributes:
        places: number of jobs that can run at a time.
        sharing: number of jobs that share a device.
    """

    places: int
    sharing: int

    def start(self, request: Request, need: int) -> None:
        """Start a job that needs `need` bytes of memory; there must be a free place."""

    def wait(self, seconds: float) -> list[Event]:
        """What happened to jobs; waits at most so many seconds for the first event."""

    def room(self) -> int | None:
        """Bytes of memory that another job may take; None if unknown, or if the workers see to it themselves."""

    def stop(self) -> None:
        """Let every job save its state and end; jobs that do not end are killed."""


def local_slots(device: torch.device, workers: int | None, *, every: bool = False) -> list[Slot]:
    """Places for jobs on this machine, spread over its GPUs, or over the cores that this process may use.

    Args:
        device: the chosen device.
        workers: total number of places; None for one on each GPU, or as many as keep the cores busy.
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
