"""Places where jobs run, whatever runs them: `sinct.batch.local_workers` or `sinct.batch.ray_workers`."""

from dataclasses import dataclass
from typing import Protocol

import torch

from sinct.batch.jobs import Outcome, Request
from sinct.runtime.device import cores

CORES = 2
"""Cores of one job by default."""


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
        remaining: seconds left, where they are known.
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
