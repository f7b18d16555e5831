"""How the simulator's commands end: Ctrl-C, SIGTERM, a closed terminal or the time asked for."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@asynccontextmanager
async def ending(seconds: float | None = None) -> AsyncIterator[asyncio.Event]:
    """Yield an event that a signal sets, or the end of `seconds`; the signals do nothing else meanwhile."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in _SIGNALS:
        loop.add_signal_handler(number, ended.set)
    timer = None if seconds is None else loop.call_later(seconds, ended.set)
    try:
        yield ended
    finally:
        if timer is not None:
            timer.cancel()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def first_of(work: Coroutine[Any, Any, None], ended: asyncio.Event) -> bool:
    """Run `work` until it is done (True) or `ended` is set (False: it was cancelled and has cleaned up)."""
    task = asyncio.create_task(work)
    waiter = asyncio.create_task(ended.wait())
    try:
        await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
            return True
        return False
    finally:
        await cancel(task, waiter)


async def cancel(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until they have cleaned up; what they raise on the way out is theirs alone."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
