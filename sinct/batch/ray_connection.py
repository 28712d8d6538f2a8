"""A Ray cluster that this process joins: whether it is there, and what its nodes have."""

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
"""Seconds that a cluster has to answer."""


def joined(address: str) -> Any:
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


def nodes(ray: Any) -> dict[str, dict[str, float]]:
    """What the living nodes have, by their names."""
    return {node["NodeID"]: node["Resources"] for node in ray.nodes() if node["Alive"]}


def on(ray: Any, node: str) -> Any:
    """The wish for a node."""
    return ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node, soft=False)


def _knock(address: str) -> None:
    """See whether the cluster answers, from another process: Ray may try for many minutes and cannot be stopped.

    Raises:
        ConfigError: it does not, or the address is malformed.
    """
    if address != "auto":
        host, _, port = address.rpartition(":")
        if not host or "/" in host or not port.isdigit():
            raise ConfigError(
                f"{address!r} is not the address of a Ray cluster; give auto or HOST:PORT, say 10.0.0.1:6379"
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
