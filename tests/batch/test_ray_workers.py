"""Jobs as Ray tasks, on a cluster of two small nodes that this module starts on this machine."""

import dataclasses
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import pytest

from sinct import Config
from sinct.batch.jobs import Job, Outcome, Request
from sinct.batch.perform import perform
from sinct.batch.ray_task import failure, work
from sinct.batch.ray_workers import RayWorkers
from sinct.batch.settings import Settings
from sinct.errors import ConfigError, Interrupted
from sinct.version import __version__

ray = pytest.importorskip("ray")

MakeRequest = Callable[..., Request]

LONG = 100_000
"""Steps of a job that is not waited for."""


@pytest.fixture
def make_request(tmp_path: Path, make_picture, tiny: Config) -> MakeRequest:
    """A small job with its own folder and pictures."""

    def make(name: str, steps: int) -> Request:
        changes = dataclasses.asdict(tiny)
        for own in ("steps", "seconds", "seed"):
            del changes[own]
        folder = tmp_path / name
        job = Job(
            name=name,
            kind="pair",
            paintings=(str(make_picture(f"{name}-painting.png")),),
            photos=(str(make_picture(f"{name}-photo.png", seed=1)),),
            output=str(folder / "out.png"),
            settings=Settings(preset="draft", steps=steps, changes=changes),
        )
        return Request(job, key=name, folder=str(folder), device="cpu", threads=1)

    return make


@pytest.fixture(scope="module")
def cluster() -> Iterator:
    """A head that computes nothing, and two nodes for one job each."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.delenv("RAY_ADDRESS", raising=False)
        # A lost node is noticed soon.
        quick = {"health_check_period_ms": 500, "health_check_timeout_ms": 2000}
        head = {"num_cpus": 0, "include_dashboard": False, "_system_config": quick}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        for _ in range(2):
            cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        yield cluster
        cluster.shutdown()


def alone(request: Request) -> bytes:
    """What the job makes in this process, undisturbed."""
    folder = Path(request.folder).with_name(f"{request.job.name}-alone")
    job = dataclasses.replace(request.job, output=str(folder / "out.png"))
    outcome = perform(
        dataclasses.replace(request, job=job, folder=str(folder)),
        report=lambda share, remaining: None,
        should_stop=lambda: False,
    )
    assert outcome.reason is None
    return (folder / "out.png").read_bytes()


def until_begun(workers: RayWorkers, names: set[str], least: float = 0) -> float:
    """Wait until all have told that they have come so far; returns the last one's share."""
    deadline = time.monotonic() + 120
    while True:
        for event in workers.wait(0.1):
            assert not event.ended, event
            names = names - {event.name} if event.share >= least else names
            if not names:
                return event.share
        assert time.monotonic() < deadline


def until_ended(workers: RayWorkers, names: set[str]) -> dict[str, Outcome | None]:
    found: dict[str, Outcome | None] = {}
    deadline = time.monotonic() + 120
    while names - found.keys():
        assert time.monotonic() < deadline
        found |= {event.name: event.outcome for event in workers.wait(1) if event.ended}
    return found


def assert_nobody_works_on(request: Request, seconds: float = 0) -> None:
    with filelock.FileLock(Path(request.folder) / "lock", timeout=seconds):
        pass


def test_missing_ray_is_told_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r'pip install "\.\[ray\]"'):
        RayWorkers("auto")


@pytest.mark.parametrize("address", ["", "10.0.0.1", "ray://10.0.0.1:10001", ":6379", "local"])
def test_what_is_no_address_is_told(address):
    with pytest.raises(ConfigError, match="is not the address of a Ray cluster; give auto or HOST:PORT"):
        RayWorkers(address)


def test_address_where_nothing_listens_is_told_at_once():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(ConfigError, match=f"no Ray cluster answers at 127.0.0.1:{port}: .*refused") as told:
        RayWorkers(f"127.0.0.1:{port}")
    assert time.monotonic() - began < 15
    assert "\n" not in str(told.value)


def test_address_of_something_else_is_told_in_bounded_time(monkeypatch):
    monkeypatch.setattr("sinct.batch.ray_connection.PATIENCE", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(
            ConfigError, match=f"the Ray cluster at 127.0.0.1:{port} was not joined within 1 s"
        ):
            RayWorkers(f"127.0.0.1:{port}")


def test_node_with_another_sinct_is_told(make_request):
    outcome = work(make_request("other", LONG), "0.0.1", board=None)
    assert re.fullmatch(r".* has sinct .*, not 0\.0\.1; install the same on every node", outcome.reason)
    assert outcome.again


def test_node_that_does_not_see_the_folder_is_told(make_request):
    outcome = work(make_request("elsewhere", LONG), __version__, board=None)
    assert re.fullmatch(r".* cannot find .*elsewhere; give a folder on a disk that .* share", outcome.reason)
    assert outcome.again


@pytest.mark.parametrize(
    ("error", "reason", "out_of_memory"),
    [
        (ray.exceptions.OutOfMemoryError("97 %"), "its node ran out of memory, and Ray ended it", True),
        (ray.exceptions.WorkerCrashedError(), "its process or node was lost 4 times: The worker died", False),
        (ray.exceptions.NodeDiedError("gone"), "its process or node was lost 4 times: gone", False),
    ],
)
def test_what_ray_tells_of_a_job_becomes_its_outcome(make_request, error, reason, out_of_memory):
    outcome = failure(make_request("any", LONG), error)
    assert outcome.reason.startswith(reason)
    assert outcome.again
    assert outcome.out_of_memory is out_of_memory
    assert "\n" not in outcome.reason


@pytest.mark.slow
def test_other_version_of_ray_is_told(cluster, monkeypatch):
    monkeypatch.setattr(ray, "__version__", "2.0.0")
    with pytest.raises(ConfigError, match=r"versions differ: .*Ray: 2\.0\.0") as told:
        RayWorkers(cluster.address)
    assert "\n" not in str(told.value)


@pytest.mark.slow
def test_other_version_of_sinct_is_told(cluster, monkeypatch):
    monkeypatch.setattr("sinct.batch.ray_workers.__version__", "0.0.1")
    with pytest.raises(ConfigError, match=r"a node has sinct .*, this machine has 0\.0\.1; install the same"):
        RayWorkers(cluster.address)


@pytest.mark.slow
def test_joining_leaves_signals_to_the_caller(cluster, monkeypatch):
    monkeypatch.setattr(ray, "__version__", "2.0.0")  # ends just after Ray has taken them over
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with pytest.raises(ConfigError):
            RayWorkers(cluster.address)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.slow
def test_jobs_survive_a_lost_node_with_the_same_results(cluster, make_request):
    workers = RayWorkers(cluster.address)
    try:
        assert workers.places == 2
        requests = [make_request(name, steps=400) for name in ("first", "second")]
        for request in requests:
            workers.start(request, need=2**20)
        until_begun(workers, {"first", "second"})
        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
        outcomes = until_ended(workers, {"first", "second"})
        assert workers.places == 1
    finally:
        workers.stop()
        cluster.add_node(num_cpus=1)
    expected = alone(requests[0])
    for request in requests:
        assert outcomes[request.job.name].reason is None
        assert Path(request.job.output).read_bytes() == expected


@pytest.mark.slow
def test_stopped_job_leaves_nothing_running_and_can_be_continued(cluster, make_request):
    workers = RayWorkers(cluster.address)
    request = make_request("stopped", LONG)
    workers.start(request, need=2**20)
    share = until_begun(workers, {"stopped"}, least=1 / LONG)
    workers.stop()
    assert until_ended(workers, {"stopped"}) == {"stopped": None}
    assert_nobody_works_on(request)
    shares: list[float] = []
    with pytest.raises(Interrupted):
        perform(request, report=lambda share, _: shares.append(share), should_stop=lambda: bool(shares))
    assert shares[0] > share


@pytest.mark.slow
def test_jobs_end_with_a_coordinator_that_is_killed(cluster, make_request):
    request = make_request("orphan", LONG)
    script = (
        "import json, sys, time\n"
        "from sinct.batch.ray_workers import RayWorkers\n"
        "from sinct.batch.jobs import Request\n"
        "workers = RayWorkers(sys.argv[1])\n"
        "workers.start(Request.from_json(json.loads(sys.argv[2])), 0)\n"
        "while not any(event.share > 0 for event in workers.wait(1)): pass\n"
        "print('begun', flush=True)\n"
        "time.sleep(600)\n"
    )
    coordinator = subprocess.Popen(
        [sys.executable, "-c", script, cluster.address, json.dumps(request.to_json())],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert coordinator.stdout is not None
    try:
        assert coordinator.stdout.readline() == "begun\n"
        with pytest.raises(filelock.Timeout):
            assert_nobody_works_on(request)
    finally:
        coordinator.kill()
        coordinator.wait()
        coordinator.stdout.close()
    assert_nobody_works_on(request, seconds=30)
