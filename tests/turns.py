"""Letting other tasks run: the one place in the tests that yields to the event loop without an event."""

from __future__ import annotations

import asyncio


async def one_turn() -> None:
    """Let every task that is ready run once."""
    await asyncio.sleep(0)
