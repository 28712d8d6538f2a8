"""What tests of weights share."""

import hashlib
import io
from http.server import ThreadingHTTPServer
from pathlib import Path

import torch

STATE = {"features.0.weight": torch.arange(6.0).view(2, 3), "features.0.bias": torch.ones(2)}


def saved(state: object, **options) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer, **options)
    return buffer.getvalue()


DATA = saved(STATE)
SHA256 = hashlib.sha256(DATA).hexdigest()


class Server(ThreadingHTTPServer):
    """Answers /whole, /half (as many bytes announced), and 404 to the rest; counts the requests."""

    url: str
    requests: int


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())
