"""The node's side of a job on a Ray cluster: the task, and how it communicates with the coordinator."""

import platform
import threading
from pathlib import Path
from typing import Any

from sinct.batch.jobs import Outcome, Request
from sinct.batch.perform import perform
from sinct.errors import Interrupted, one_line
from sinct.version import __version__

PERIOD = 1.0
"""Seconds between a job's messages."""

ANSWER = 60.0
"""Seconds to wait for the coordinator's answer."""

LOSSES = 3
"""How often a job is restarted at once because its process or its node was lost."""


class Board:
    """An actor beside the coordinator that passes on progress from the tasks, and requests to stop to them."""

    def __init__(self) -> None:
        self._news: dict[str, tuple[float, float | None]] = {}
        self._stopping = False

    def tell(self, name: str, share: float, remaining: float | None) -> bool:
        """Record a job's progress; returns whether it is to stop."""
        self._news[name] = (share, remaining)
        return self._stopping

    def take(self) -> dict[str, tuple[float, float | None]]:
        """Progress of the jobs that have reported since the last call, by name."""
        news, self._news = self._news, {}
        return news

    def stop(self) -> None:
        """From now on, tell every job that reports to stop."""
        self._stopping = True


def work(request: Request, version: str, board: Any) -> Outcome | None:
    """Do a job as a Ray task; returns None if it was stopped as asked."""
    import ray

    if version != __version__:
        reason = f"{platform.node()} has sinct {__version__}, not {version}; install the same on every node"
        return Outcome(request.key, reason, again=True)  # another node may have the right version
    if not Path(request.folder).is_dir():
        reason = (
            f"{platform.node()} cannot find {request.folder}; give a folder on a disk that all nodes share"
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

    # On a thread, because a task that waits on its main thread lends its cores to other tasks.
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
    """The version of sinct on the machine that runs this."""
    return __version__


def failure(request: Request, error: Exception) -> Outcome:
    """The outcome of a job for which Ray reports an error, instead of `work`'s own outcome."""
    from ray import exceptions

    out_of_memory = isinstance(error, exceptions.OutOfMemoryError)
    if out_of_memory:
        reason = "its node ran out of memory, and Ray ended it"
    elif isinstance(error, exceptions.RayTaskError):  # an error that `perform` does not catch
        reason = f"failed: {one_line(error.cause)}"
    else:
        reason = f"its process or node was lost {LOSSES + 1} times: {one_line(error)}"
    return Outcome(request.key, reason, again=True, out_of_memory=out_of_memory)
