"""The progress of a running batch, and the summary of a finished one."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sinct.batch.ledger import Entry, State


@dataclass(frozen=True)
class Progress:
    """The progress of a batch.

    Attributes:
        total: number of jobs in the collection.
        done: number of jobs done, now or earlier.
        failed: number of jobs that failed and will not be tried again.
        running: name -> share done and seconds left, for each running job.
        remaining: seconds left for all jobs; None if unknown.
        note: what just happened to a job, in one line; None if only shares changed.
    """

    total: int
    done: int
    failed: int
    running: Mapping[str, tuple[float, float | None]]
    remaining: float | None
    note: str | None = None


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Summary:
    """How a batch ended.

    Attributes:
        entries: all jobs.
        made: names of the jobs done in this run.
        interrupted: whether it was stopped as asked; the same call continues it.
        kept: names of accepted pictures that stayed although their settings or inputs have changed.
    """

    entries: tuple[Entry, ...]
    made: tuple[str, ...]
    interrupted: bool
    kept: tuple[str, ...] = ()

    def count(self, state: State) -> int:
        """The number of jobs in a state."""
        return sum(entry.state is state for entry in self.entries)


class Pace:
    """How fast jobs are done, counted from now on."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def remaining(self, done: float, left: float) -> float | None:
        """Seconds that the remaining jobs will take; None until enough is done to tell.

        Args:
            done: jobs done since the start, including parts of running jobs.
            left: jobs left, including parts of running jobs.
        """
        return None if done < 0.05 else (time.monotonic() - self._began) / done * left
