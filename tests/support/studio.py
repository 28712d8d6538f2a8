"""A studio with tiny settings, served on this machine from a thread of the tests."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from sinct import Config
from sinct.studio.speed import Stopwatch
from sinct.studio.studio import Studio
from tests.support.batch_fake import SETTINGS

pytest.importorskip("starlette", reason="Starlette is not installed")
uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed")

TOKEN = "a-token-for-tests"
DEADLINE = 300.0
"""Seconds for a process to begin or to end; importing torch takes most of them on a busy machine."""


class Served:
    """A studio that answers.

    Args:
        studio: the studio.
        port: its port.
    """

    def __init__(self, studio: Studio, port: int) -> None:
        self.studio, self.folder, self.port = studio, studio.folder, port
        self.base = f"http://127.0.0.1:{port}"
        self.address = f"{self.base}/?token={TOKEN}"

    def client(self, **headers: str) -> httpx.Client:
        """A client that does as the page does; `headers` replace its own."""
        own = {"Origin": self.base, "Cookie": f"sinct-studio-{self.port}={TOKEN}"}
        given = {name: value for name, value in {**own, **headers}.items() if value}
        return httpx.Client(base_url=self.base, headers=given, timeout=30)

    def wait(self, name: str, *phases: str) -> dict[str, Any]:
        """Wait until a run is in one of some phases, in which no process works, and describe it."""
        return self._wait(name, lambda run: run["state"]["phase"] in phases and not run["working"])

    def wait_made(self, name: str) -> dict[str, Any]:
        """Wait until a picture for download is made or has failed, and describe it."""
        return self._wait(name, lambda run: run["made"] and not run["working"])

    def until(self, name: str, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until a run is as it should be, and describe it."""
        return self._wait(name, done)

    def _wait(self, name: str, done: Any) -> dict[str, Any]:
        end = time.monotonic() + DEADLINE
        while not done(run := self.studio.describe(name)):
            assert time.monotonic() < end, run
            time.sleep(0.05)
        return run


def make_studio(folder: Path, config: Config) -> Studio:
    """A studio whose trainings take a moment, and that measures nothing."""
    stopwatch = Stopwatch(None)
    stopwatch.step = 0.02
    studio = Studio(
        folder, configs={"draft": config, "standard": config.replace(steps=100_000)}, stopwatch=stopwatch
    )
    studio.settings = {"draft": SETTINGS, "standard": replace(SETTINGS, steps=100_000)}
    return studio


@contextmanager
def serving(studio: Studio, **options: Any) -> Iterator[Served]:
    """Serve a studio from a thread; at the end no process of it is left."""
    from sinct.studio.app import make_app

    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    app = make_app(studio, token=TOKEN, port=port, closing=lambda: server.should_exit, **options)
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", lifespan="off", ws="none", timeout_graceful_shutdown=2)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    served = Served(studio, port)
    try:
        yield served
    finally:
        studio.processes.kill()
        server.should_exit = True
        thread.join(10)
        listener.close()
