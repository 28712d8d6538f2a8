"""Joins a Ray cluster and finds out what its nodes have."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from typing import Any

from sinct.errors import ConfigError, one_line

PATIENCE = 60.0
"""Seconds to wait for a cluster's answer."""


def joined(address: str) -> Any:
    """The `ray` module, connected to a cluster."""
    # Keeps Ray's own reports, such as lost nodes, off the terminal, which `log_to_driver` does not; read at import.
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")
    try:
        import ray
    except ImportError:
        raise ConfigError(
            'a cluster needs Ray, which is not installed; run `pip install ".[ray]"` in a clone of sinct'
        ) from None
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS") or address
    _knock(address)
    # Ray takes over SIGTERM, but the caller handles it.
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
        reason = one_line(error.__cause__ or error).partition(". ")[0]  # then come Ray's own options
        raise ConfigError(
            f"cannot join the Ray cluster at {address}: {reason}; start one with `ray start --head`, or make this "
            "machine a node of it with `ray start --address=HOST:PORT`"
        ) from None
    finally:
        if main and before is not None:
            signal.signal(signal.SIGTERM, before)
    return ray


def nodes(ray: Any) -> dict[str, dict[str, float]]:
    """The resources of each living node, by node ID."""
    return {node["NodeID"]: node["Resources"] for node in ray.nodes() if node["Alive"]}


def on(ray: Any, node: str) -> Any:
    """A scheduling strategy that puts a task on one node."""
    return ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node, soft=False)


def _knock(address: str) -> None:
    """Check from another process whether the cluster answers: Ray may try for minutes and cannot be stopped.

    Raises:
        ConfigError: it does not answer, or the address is malformed.
    """
    if address != "auto":
        host, _, port = address.rpartition(":")
        if not host or "/" in host or not port.isdigit():
            raise ConfigError(
                f"{address!r} is not the address of a Ray cluster; give auto or HOST:PORT, such as 10.0.0.1:6379"
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
