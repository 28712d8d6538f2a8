"""Serves a studio on this machine alone."""

import os
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress

import uvicorn

from sinct.errors import OutputError
from sinct.runtime.locks import alone
from sinct.studio.app import make_app
from sinct.studio.studio import Studio

HOST = "127.0.0.1"
"""The only address that is listened on; other machines do not reach it."""


def serve(studio: Studio, *, port: int = 0, opened: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        studio: the studio.
        port: port to listen on; 0 for any that is free.
        opened: called with the page's address, token included, once it answers.

    Raises:
        OutputError: the port is taken, or another studio serves the folder.
    """
    with alone(studio.place, "close the other studio"), _bound(port) as listener:
        address = listener.getsockname()
        token = secrets.token_urlsafe(32)
        app = make_app(studio, token=token, port=address[1], closing=lambda: server.should_exit)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        server = uvicorn.Server(config)
        listener.listen()
        opened(f"http://{HOST}:{address[1]}/?token={token}")
        with suppress(KeyboardInterrupt):  # uvicorn has closed everything by then
            server.run(sockets=[listener])


def _bound(port: int) -> socket.socket:
    """A socket at a port of this machine.

    Raises:
        OutputError: the port is taken or may not be used.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":  # elsewhere it would let two servers have one port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise OutputError(
            f"port {port} cannot be used: {reason}; give another `port`, or leave it out"
        ) from None
    return listener
