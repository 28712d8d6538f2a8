"""A server of weights, for tests."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from sinct.weights import registry
from sinct.weights.registry import FILES, WeightFile
from tests.support.weights import DATA, SHA256, Server


@pytest.fixture(scope="session")
def module_server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.requests += 1
            if self.path not in ("/whole", "/half"):
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(DATA)))
            self.end_headers()
            self.wfile.write(DATA if self.path == "/whole" else DATA[: len(DATA) // 2])

        def log_message(self, *arguments: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def server(module_server: Server) -> Server:
    module_server.requests = 0
    return module_server


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch):
    """Put a row named tiny into the table."""

    def add(url: str = "http://127.0.0.1:9/tiny.pth", **changes) -> WeightFile:
        values = {"size": len(DATA), "sha256": SHA256, **changes}
        row = WeightFile(
            "tiny", "tiny.pth", url, licence="CC0-1.0", source="a test", used_for="tests", **values
        )
        monkeypatch.setattr(registry, "FILES", {**FILES, "tiny": row})
        return row

    return add


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "weights"
    folder.mkdir()
    return folder
