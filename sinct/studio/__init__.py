"""A local web page to make pictures on: choose, train, watch, compare, download.

`Studio` does what a page asks for; trainings run in processes of their own, which outlive page and server. `serve`
answers on this machine alone. It needs the extra studio.
"""

from collections.abc import Callable

from sinct.errors import ConfigError
from sinct.studio.folder import is_batch, is_run
from sinct.studio.studio import Studio

__all__ = ["Studio", "is_batch", "is_run", "serve"]


def serve(studio: Studio, *, port: int = 0, opened: Callable[[str], None]) -> None:
    """Serve a studio until Ctrl-C or SIGTERM; see `sinct.studio.server.serve`.

    Raises:
        ConfigError: the packages of the extra are not installed.
        OutputError: the port is taken, or another studio serves the folder.
    """
    try:
        from sinct.studio import server
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn"):
            raise
        raise ConfigError(
            f'the studio needs {error.name}, which is not installed; run `pip install ".[studio]"` in a clone of sinct'
        ) from None
    server.serve(studio, port=port, opened=opened)
