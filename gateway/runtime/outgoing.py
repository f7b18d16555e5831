"""The writer of one leg: a bounded queue and one task, so that a slow peer never holds up its station."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from gateway.runtime.ports import Link, LinkLost

WRITE_WITHIN_S = 10.0
"""A write that the peer has not taken by then will not be answered in time either: the leg is down."""

FLUSH_WITHIN_S = 2.0
"""What waits when a leg is closed in good order gets this long; shutdown as a whole has 5 s."""

MOST_FRAMES = 1024
MOST_BYTES = 8 * 1024 * 1024
"""Beyond either the leg is down: four of the largest frames, or minutes of a busy charger."""

HIGH_FRAMES = 256
HIGH_BYTES = 1024 * 1024
"""Beyond either the other leg's CALLs are not read until the queue is shorter. Well above what a charger pipelines, so
that its answers behind those CALLs still come in."""


class Outgoing:
    """Writes in order. Tells `dead` once if the leg cannot be written, and `progress` after each write."""

    def __init__(
        self,
        link: Link,
        dead: Callable[[int | None, str], None],
        progress: Callable[[], None],
        *,
        write_within_s: float = WRITE_WITHIN_S,
        flush_within_s: float = FLUSH_WITHIN_S,
    ) -> None:
        self._link = link
        self._dead = dead
        self._progress = progress
        self._write_within_s = write_within_s
        self._flush_within_s = flush_within_s
        self._queue: deque[str | None] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._task = asyncio.create_task(self._write())

    @property
    def crowded(self) -> bool:
        """Should the other leg's CALLs wait?"""
        return len(self._queue) >= HIGH_FRAMES or self._bytes >= HIGH_BYTES

    def put(self, text: str) -> None:
        """Queue a text."""
        if len(self._queue) >= MOST_FRAMES or self._bytes >= MOST_BYTES:
            self._fail(None, "its queue is full: the peer reads too slowly")
            return
        self._bytes += len(text)
        self._add(text)

    def ping(self) -> None:
        """Queue a ping, unless frames wait: they are the better question."""
        if not self._queue:
            self._add(None)

    def stop(self) -> None:
        """Write nothing more; the link is somebody else's to close."""
        self._queue.clear()
        self._bytes = 0
        self._empty.set()
        self._task.cancel()

    async def close(self, code: int, reason: str, *, discard: bool) -> None:
        """End the leg: what waits goes out first, within bounds, unless it is to be discarded."""
        if not discard:
            try:
                async with asyncio.timeout(self._flush_within_s):
                    await self._empty.wait()
            except TimeoutError:
                self._link.abort()
        self.stop()
        await self._link.close(code, reason)

    def _add(self, item: str | None) -> None:
        self._queue.append(item)
        self._empty.clear()
        self._filled.set()

    async def _write(self) -> None:
        try:
            while True:
                await self._filled.wait()
                while self._queue:
                    item = self._queue[0]
                    async with asyncio.timeout(self._write_within_s):
                        await (self._link.ping() if item is None else self._link.send(item))
                    self._queue.popleft()
                    self._bytes -= len(item or "")
                    self._progress()
                self._filled.clear()
                self._empty.set()
        except TimeoutError:
            self._fail(None, f"a write waited {self._write_within_s:.0f} s: the peer does not read")
        except LinkLost as lost:
            self._fail(lost.code, lost.reason)

    def _fail(self, code: int | None, reason: str) -> None:
        self.stop()
        self._link.abort()
        self._progress()
        self._dead(code, reason)
