"""Lets few threads at a time do what takes much."""

from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio.to_thread import run_sync

AT_ONCE = 2
"""Pictures that are read at a time: each takes a core, and a few hundred MB if it is large."""

T = TypeVar("T")


class Few:
    """Runs functions in threads, only so many at a time.

    Args:
        count: how many.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._limiter: anyio.CapacityLimiter | None = None

    async def __call__(self, function: Callable[..., T], *arguments: object) -> T:
        """Run one, once there is room."""
        if self._limiter is None:  # which belongs to the server's loop
            self._limiter = anyio.CapacityLimiter(self._count)
        return await run_sync(function, *arguments, limiter=self._limiter)
