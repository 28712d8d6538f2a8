"""Server-sent events of whatever changes while a page is open."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from sinct.errors import SinctError

TICK = 0.5
"""Seconds between looks."""

SILENCE = 15.0
"""Seconds after which a sign of life is sent, so that a lost connection is noticed."""

T = TypeVar("T")


async def news(
    look: Callable[[], T],
    told: Callable[[T], str],
    gone: Callable[[Exception], str],
    *,
    there: Callable[[], bool],
    closing: Callable[[], bool],
) -> AsyncIterator[str]:
    """Look again and again, and send what is new; at last, why there is nothing to look at any more.

    A look that fails is repeated for a while: files may be changed while they are looked at.

    Args:
        look: looks once, in a thread.
        told: makes an event of what was found, or an empty text where nothing has changed.
        gone: makes one of the fault that stays.
        there: whether there is still something to look at.
        closing: whether to end.
    """
    silent = failing = 0.0
    while not closing():
        try:
            found = await run_in_threadpool(look)
        except (SinctError, OSError) as error:
            if failing < SILENCE and await run_in_threadpool(there):
                failing += TICK
                await asyncio.sleep(TICK)
                continue
            yield gone(error)
            return
        failing = 0.0
        silent += TICK
        event = told(found) or (":\n\n" if silent >= SILENCE else "")
        if event:
            silent = 0.0
            yield event
        await asyncio.sleep(TICK)
