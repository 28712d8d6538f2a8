"""One job as a task on a Ray cluster, as its node sees it, and how the task speaks with the coordinator."""

import platform
import threading
from pathlib import Path
from typing import Any

from sinct.batch.jobs import Outcome, Request
from sinct.batch.perform import perform
from sinct.errors import Interrupted, one_line
from sinct.version import __version__

PERIOD = 1.0
"""Seconds between two messages of a job."""

ANSWER = 60.0
"""Seconds that the coordinator has to answer."""

LOSSES = 3
"""Times that a job is begun again at once because its process or its node was lost."""


class Board:
    """An actor beside the coordinator: carries the tasks' progress to it, and its wish to stop to them."""

    def __init__(self) -> None:
        self._news: dict[str, tuple[float, float | None]] = {}
        self._stopping = False

    def tell(self, name: str, share: float, remaining: float | None) -> bool:
        """Note how far a job is; returns whether it is to stop."""
        self._news[name] = (share, remaining)
        return self._stopping

    def take(self) -> dict[str, tuple[float, float | None]]:
        """How far jobs are that have told since the last call, by name."""
        news, self._news = self._news, {}
        return news

    def stop(self) -> None:
        """From now on, whoever tells something is to stop."""
        self._stopping = True


def work(request: Request, version: str, board: Any) -> Outcome | None:
    """Do a job as a Ray task; None where it was stopped as asked."""
    import ray

    if version != __version__:
        reason = f"{platform.node()} has sinct {__version__}, not {version}; install the same on every node"
        return Outcome(request.key, reason, again=True)  # another node may have it
    if not Path(request.folder).is_dir():
        reason = (
            f"{platform.node()} does not see {request.folder}; give a folder on a disk that all nodes share"
        )
        return Outcome(request.key, reason, again=True)
    ended, stopped = threading.Event(), threading.Event()
    progress: tuple[float, float | None] = (0.0, None)

    def report(share: float, remaining: float | None) -> None:
        nonlocal progress
        progress = (share, remaining)

    def converse() -> None:
        while True:
            try:
                if ray.get(board.tell.remote(request.job.name, *progress), timeout=ANSWER):
                    stopped.set()
            except (ray.exceptions.GetTimeoutError, ray.exceptions.ActorUnavailableError):
                pass  # the network may recover
            except ray.exceptions.RayError:
                stopped.set()  # the coordinator is gone
            if ended.wait(PERIOD):
                return

    # On a thread: a task that waits on its main thread lends its cores to others meanwhile.
    talking = threading.Thread(target=converse, daemon=True)
    talking.start()
    try:
        return perform(request, report=report, should_stop=stopped.is_set)
    except Interrupted:
        return None
    finally:
        ended.set()
        talking.join()


def installed() -> str:
    """The version of sinct, where this is called."""
    return __version__


def failure(request: Request, error: Exception) -> Outcome:
    """The outcome of a job that Ray says this of, instead of `work`'s own."""
    from ray import exceptions

    out_of_memory = isinstance(error, exceptions.OutOfMemoryError)
    if out_of_memory:
        reason = "its node ran out of memory, and Ray ended it"
    elif isinstance(error, exceptions.RayTaskError):  # nothing that `perform` foresees
        reason = f"broke off: {one_line(error.cause)}"
    else:
        reason = f"its process or node was lost {LOSSES + 1} times: {one_line(error)}"
    return Outcome(request.key, reason, again=True, out_of_memory=out_of_memory)
