"""Runs jobs as tasks on a Ray cluster; `sinct.batch.local_workers` does the same on this machine.

The jobs' folders, and inputs and outputs that are not URLs, must be on a disk that every node sees under the same
path. If the process that started the tasks dies, Ray ends them; they also end by themselves and save their state. If
the cluster's head is lost, Ray ends this process, too, within minutes; the work done remains in the jobs' folders.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sinct.batch.jobs import Request
from sinct.batch.places import Event
from sinct.batch.ray_connection import joined, nodes, on
from sinct.batch.ray_task import LOSSES, PERIOD, Board, failure, installed, work
from sinct.errors import ConfigError, one_line
from sinct.runtime.processes import GRACE
from sinct.version import __version__

IMPORTING = 300.0
"""Seconds that a node has to load sinct with torch, even from a slow disk."""


@dataclass(frozen=True)
class _Task:
    """A job as it was requested."""

    request: Request
    need: int
    losses: int = 0


class RayWorkers:
    """Runs each job as a Ray task in its own process.

    Jobs lost with a node are restarted here and not by Ray, which would also endlessly repeat tasks that its memory
    monitor killed.

    Args:
        address: address of the cluster, HOST:PORT or auto; this process must run on one of its machines.
        device: unless this is cpu, jobs run on GPUs if the cluster has any.
        cpus: cores for a job; fewer if no node has so many.
        packing: number of jobs that share a GPU.

    Attributes:
        places: number of jobs that can run at a time; changes as nodes come and go.
        sharing: number of jobs that share a GPU; cores are not shared.

    Raises:
        ConfigError: Ray is not installed, the cluster cannot be joined or has nothing to compute on, or versions
            differ.
    """

    def __init__(self, address: str, *, device: str = "auto", cpus: int = 2, packing: int = 1) -> None:
        self._ray = ray = joined(address)
        try:
            self._packing = packing
            there = nodes(ray)
            self._gpus = device != "cpu" and any(node.get("GPU") for node in there.values())
            able = [node for node in there.values() if node.get("GPU") or not self._gpus]
            self._cpus = min(cpus, int(max((node.get("CPU", 0) for node in able), default=0)))
            if self._cpus < 1:
                raise ConfigError(
                    f"the Ray cluster at {address} has no node with CPUs; add one with `ray start --address=...`"
                )
            self.sharing = packing if self._gpus else 1
            self._survey(there)
            self._check_versions(there)
            self._work = ray.remote(max_calls=1, max_retries=0)(work)  # each in its own process
            here = ray.get_runtime_context().get_node_id()
            self._board = (
                ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(Board)
                .options(scheduling_strategy=on(ray, here))  # lost only together with the coordinator
                .remote()
            )
        except BaseException:
            ray.shutdown()
            raise
        self._running: dict[Any, _Task] = {}
        self._begun: set[str] = set()
        self._events: list[Event] = []
        self._stopping = False

    def start(self, request: Request, need: int) -> None:
        """Start a job; see `sinct.batch.places.Workers`."""
        Path(request.folder).mkdir(parents=True, exist_ok=True)
        # Ray chooses among GPUs, and a task sees only its own.
        device = "cuda" if request.device.startswith("cuda") else request.device
        request = replace(request, device=device, threads=request.threads or self._cpus)
        self._submit(_Task(request, need))

    def wait(self, seconds: float) -> list[Event]:
        """What happened; see `sinct.batch.places.Workers`."""
        seconds = min(seconds, PERIOD)  # progress is fetched only between waits
        if self._running:
            ended, _ = self._ray.wait(list(self._running), num_returns=1, timeout=seconds)
            self._take_progress()
            for reference in ended:
                self._take_end(reference)
            self._survey(nodes(self._ray))
        elif not self._events:
            time.sleep(seconds)
        events, self._events = self._events, []
        return events

    def room(self) -> int | None:
        """None, since Ray itself starts a task only where enough memory is free."""
        return None

    def stop(self) -> None:
        """Let every job save its state and end, and leave the cluster; see `sinct.batch.places.Workers`."""
        if self._stopping:
            return
        self._stopping = True
        if self._running:
            self._board.stop.remote()
            self._take_progress()
            for reference, task in self._running.items():
                if task.request.job.name not in self._begun:
                    self._ray.cancel(reference, force=True)  # it has nothing to save
            _, late = self._wait_for_all(GRACE)
            for reference in late:
                self._ray.cancel(reference, force=True)
            ended, _ = self._wait_for_all(PERIOD)
            for reference in ended:
                self._take_end(reference)
            self._running.clear()
        self._ray.shutdown()

    def _wait_for_all(self, seconds: float) -> tuple[list[Any], list[Any]]:
        """The tasks that have ended, and the others."""
        ended, others = self._ray.wait(list(self._running), num_returns=len(self._running), timeout=seconds)
        return ended, others

    def _submit(self, task: _Task) -> None:
        reference = self._work.options(
            name=f"sinct {task.request.job.name}",
            num_cpus=self._cpus,
            num_gpus=1 / self._packing if self._gpus else 0,
            # A job that needs more than any node has is tried on the largest instead of waiting for ever.
            memory=min(task.need, self._memory),
        ).remote(task.request, __version__, self._board)
        self._running[reference] = task

    def _take_progress(self) -> None:
        try:
            news = self._ray.get(self._board.take.remote(), timeout=PERIOD)
        except self._ray.exceptions.GetTimeoutError:
            return  # the board is starting or restarting; progress can wait
        self._begun |= news.keys()
        self._events += [Event(name, share, remaining) for name, (share, remaining) in news.items()]

    def _take_end(self, reference: Any) -> None:
        """Record how a task ended, or restart it."""
        task = self._running.pop(reference)
        request, errors = task.request, self._ray.exceptions
        self._begun.discard(request.job.name)
        try:
            outcome = self._ray.get(reference)
        except errors.RayError as error:
            lost = not isinstance(error, errors.RayTaskError | errors.OutOfMemoryError)
            if lost and not self._stopping and task.losses < LOSSES:
                self._submit(replace(task, losses=task.losses + 1))
                return
            outcome = None if self._stopping else failure(request, error)
        self._events.append(Event(request.job.name, 1.0, outcome=outcome, ended=True))

    def _survey(self, there: dict[str, dict[str, float]]) -> None:
        """Count places, at least one: a task waits for a node, and an autoscaler adds nodes for waiting tasks."""
        takers = [node for node in there.values() if self._takes(node)]
        self.places = max(1, sum(self._takes(node) for node in takers))
        self._memory = int(max((node.get("memory", 0) for node in takers), default=0))

    def _takes(self, node: dict[str, float]) -> int:
        """Number of jobs that a node can run at a time."""
        jobs = int(node.get("CPU", 0) / self._cpus)
        return min(jobs, int(node.get("GPU", 0) * self._packing)) if self._gpus else jobs

    def _check_versions(self, there: dict[str, dict[str, float]]) -> None:
        """Compare the sinct versions of the nodes that would compute; Ray compares its own version and Python's."""
        ray = self._ray
        ask = ray.remote(num_cpus=0, max_retries=0)(installed)
        asked = [
            ask.options(scheduling_strategy=on(ray, node)).remote()
            for node, resources in there.items()
            if self._takes(resources)
        ]
        try:
            found = set(ray.get(asked, timeout=IMPORTING))
        except ray.exceptions.RayTaskError as error:
            raise ConfigError(
                f"a node cannot run sinct: {one_line(error.cause)}; install sinct {__version__} on every node"
            ) from None
        except ray.exceptions.RayError as error:
            raise ConfigError(f"a node does not answer: {one_line(error)}; see `ray status`") from None
        if other := found - {__version__}:
            raise ConfigError(
                f"a node has sinct {', '.join(sorted(other))}, this machine has {__version__}; install the same "
                "on every node"
            )
