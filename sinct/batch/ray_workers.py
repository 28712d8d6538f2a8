"""Where jobs run: tasks on a Ray cluster; `sinct.batch.local_workers` has the same on this machine.

The jobs' folders, and inputs and outputs that are no URLs, lie on a disk that every node sees under the same path.
Ray ends the tasks when the process that asked for them is gone; they also end by themselves, saving their state. When
the cluster's head is gone, Ray ends that process, too, within minutes; what the jobs have done lies in their folders.
"""

import dataclasses
import logging
import os
import platform
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sinct.batch.local_workers import GRACE, Event
from sinct.batch.perform import Outcome, Request, perform
from sinct.errors import ConfigError, Interrupted, one_line
from sinct.version import __version__

PERIOD = 1.0
"""Seconds between two messages of a job."""

PATIENCE = 60.0
"""Seconds that the cluster has to answer."""

IMPORTING = 300.0
"""Seconds that a node has to load sinct, with torch, from a slow disk at worst."""

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
                if ray.get(board.tell.remote(request.name, *progress), timeout=PATIENCE):
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


@dataclass(frozen=True)
class _Task:
    """A job as it was asked for."""

    request: Request
    need: int
    losses: int = 0


class RayWorkers:
    """A Ray task for each job, in a process of its own.

    What is lost with a node is begun again here rather than by Ray, which would also repeat, without end, what its
    guard of the memory killed.

    Args:
        address: of the cluster, HOST:PORT or auto; this process runs on one of its machines.
        device: that jobs compute on: a GPU where the cluster has any unless this is cpu.
        cpus: cores for a job; fewer where no node has so many.
        packing: jobs that share a GPU.

    Attributes:
        places: jobs that can run at a time; it follows the nodes that come and go.
        sharing: jobs that share a GPU; cores are a job's own.

    Raises:
        ConfigError: Ray is not installed, the cluster cannot be joined or has nothing to compute on, or versions
            differ.
    """

    def __init__(self, address: str, *, device: str = "auto", cpus: int = 2, packing: int = 1) -> None:
        self._ray = ray = _joined(address)
        try:
            self._packing = packing
            nodes = _nodes(ray)
            self._gpus = device != "cpu" and any(node.get("GPU") for node in nodes.values())
            able = [node for node in nodes.values() if node.get("GPU") or not self._gpus]
            self._cpus = min(cpus, int(max((node.get("CPU", 0) for node in able), default=0)))
            if self._cpus < 1:
                raise ConfigError(
                    f"the Ray cluster at {address} has no node with CPUs; add one with `ray start --address=...`"
                )
            self.sharing = packing if self._gpus else 1
            self._survey(nodes)
            self._check_versions(nodes)
            self._work = ray.remote(max_calls=1, max_retries=0)(work)  # each in a process of its own
            here = ray.get_runtime_context().get_node_id()
            self._board = (
                ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(Board)
                .options(scheduling_strategy=_on(ray, here))  # lost only together with the coordinator
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
        """Begin a job; see `Workers`."""
        Path(request.folder).mkdir(parents=True, exist_ok=True)
        # Ray chooses among GPUs, and a task sees only its own.
        device = "cuda" if request.device.startswith("cuda") else request.device
        request = dataclasses.replace(request, device=device, threads=request.threads or self._cpus)
        self._submit(_Task(request, need))

    def wait(self, seconds: float) -> list[Event]:
        """What happened; see `Workers`."""
        seconds = min(seconds, PERIOD)  # progress is fetched only between two waits
        if self._running:
            ended, _ = self._ray.wait(list(self._running), num_returns=1, timeout=seconds)
            self._take_progress()
            for reference in ended:
                self._take_end(reference)
            self._survey(_nodes(self._ray))
        elif not self._events:
            time.sleep(seconds)
        events, self._events = self._events, []
        return events

    def room(self) -> int | None:
        """Ray's business: it begins a task where its memory is free."""
        return None

    def stop(self) -> None:
        """Let every job save its state and end, and leave the cluster; see `Workers`."""
        if self._stopping:
            return
        self._stopping = True
        if self._running:
            self._board.stop.remote()
            self._take_progress()
            for reference, task in self._running.items():
                if task.request.name not in self._begun:
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
            name=f"sinct {task.request.name}",
            num_cpus=self._cpus,
            num_gpus=1 / self._packing if self._gpus else 0,
            # A job that needs more than any node has is tried on the largest, rather than waiting for ever.
            memory=min(task.need, self._memory),
        ).remote(task.request, __version__, self._board)
        self._running[reference] = task

    def _take_progress(self) -> None:
        try:
            news = self._ray.get(self._board.take.remote(), timeout=PERIOD)
        except self._ray.exceptions.GetTimeoutError:
            return  # the board is still starting, or again; progress can wait
        self._begun |= news.keys()
        self._events += [Event(name, share, remaining) for name, (share, remaining) in news.items()]

    def _take_end(self, reference: Any) -> None:
        """Note how a task ended, or begin it again."""
        task = self._running.pop(reference)
        request, errors = task.request, self._ray.exceptions
        self._begun.discard(request.name)
        try:
            outcome = self._ray.get(reference)
        except errors.RayError as error:
            lost = not isinstance(error, errors.RayTaskError | errors.OutOfMemoryError)
            if lost and not self._stopping and task.losses < LOSSES:
                self._submit(dataclasses.replace(task, losses=task.losses + 1))
                return
            outcome = None if self._stopping else failure(request, error)
        self._events.append(Event(request.name, 1.0, outcome=outcome, ended=True))

    def _survey(self, nodes: dict[str, dict[str, float]]) -> None:
        """Count places, at least one: a task waits for a node, and an autoscaler adds nodes for tasks that wait."""
        takers = [node for node in nodes.values() if self._takes(node)]
        self.places = max(1, sum(self._takes(node) for node in takers))
        self._memory = int(max((node.get("memory", 0) for node in takers), default=0))

    def _takes(self, node: dict[str, float]) -> int:
        """Jobs that run on a node at a time."""
        jobs = int(node.get("CPU", 0) / self._cpus)
        return min(jobs, int(node.get("GPU", 0) * self._packing)) if self._gpus else jobs

    def _check_versions(self, nodes: dict[str, dict[str, float]]) -> None:
        """Ray compares its own and Python's; here the nodes that would compute tell their sinct."""
        ray = self._ray
        ask = ray.remote(num_cpus=0, max_retries=0)(installed)
        asked = [
            ask.options(scheduling_strategy=_on(ray, node)).remote()
            for node, resources in nodes.items()
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
                f"a node has sinct {', '.join(sorted(other))}, here is {__version__}; install the same on every node"
            )


def _joined(address: str) -> Any:
    """Ray, connected to a cluster."""
    # Read when Ray is imported: keeps its own reports, of lost nodes say, off the terminal; `log_to_driver` does not.
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")
    try:
        import ray
    except ImportError:
        raise ConfigError("a cluster needs Ray, which is not installed; pip install 'sinct[ray]'") from None
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS") or address
    _knock(address)
    # Ray takes SIGTERM over; who calls has a use for it.
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:
        text = str(error)
        if "Version mismatch" in text:
            raise ConfigError(
                f"versions differ: {one_line(text.partition(':')[2])}; install the cluster's Ray and Python here"
            ) from None
        reason = one_line(error.__cause__ or error).partition(". ")[
            0
        ]  # then Ray names options that are not ours
        raise ConfigError(
            f"cannot join the Ray cluster at {address}: {reason}; start one with `ray start --head`, or make this "
            "machine a node of it with `ray start --address=HOST:PORT`"
        ) from None
    finally:
        if main and before is not None:
            signal.signal(signal.SIGTERM, before)
    return ray


def _knock(address: str) -> None:
    """See whether the cluster answers, from another process: Ray may try for many minutes and cannot be stopped.

    Raises:
        ConfigError: it does not, or it is no address.
    """
    if address != "auto":
        host, _, port = address.rpartition(":")
        if not host or "/" in host or not port.isdigit():
            raise ConfigError(
                f"{address!r} is no address of a Ray cluster; give auto or HOST:PORT, say 10.0.0.1:6379"
            )
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
        except (OSError, OverflowError) as error:
            raise ConfigError(
                f"no Ray cluster answers at {address}: {one_line(error)}; check the address, or start one with "
                "`ray start --head`"
            ) from None
    join = "import sys, ray; ray.init(sys.argv[1], log_to_driver=False)"
    try:
        subprocess.run([sys.executable, "-c", join, address], capture_output=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise ConfigError(
            f"the Ray cluster at {address} was not joined within {PATIENCE:.0f} s; give the port that "
            "`ray start --head` prints (often 6379), on a machine that is a node of the cluster"
        ) from None


def _nodes(ray: Any) -> dict[str, dict[str, float]]:
    """What the living nodes have, by their names."""
    return {node["NodeID"]: node["Resources"] for node in ray.nodes() if node["Alive"]}


def _on(ray: Any, node: str) -> Any:
    """The wish for a node."""
    return ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node, soft=False)
