"""How a batch stands while it runs, and how it ended."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sinct.batch.ledger import Entry, State


@dataclass(frozen=True)
class Progress:
    """How a batch stands.

    Attributes:
        total: jobs of the collection.
        done: that are done, from before and now.
        failed: that failed and are not tried again.
        running: name -> share done and seconds left, of those that run.
        remaining: seconds left for all, where they are known.
        note: what just happened to one, a line; None where only shares changed.
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


class Pace:
    """How fast jobs are done, from now on."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def remaining(self, done: float, left: float) -> float | None:
        """Seconds that what is left takes; None as long as too little is done.

        Args:
            done: jobs since the beginning, with parts of those that run.
            left: jobs and parts of jobs.
        """
        return None if done < 0.05 else (time.monotonic() - self._began) / done * left
