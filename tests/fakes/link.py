"""A WebSocket without a socket: what was written can be read, and the peer can stop reading."""

from __future__ import annotations

import asyncio

from gateway.runtime.ports import LinkEvents, LinkLost

PING = "<ping>"


class MemoryLink:
    """Obeys the ports `Link` and `UpLink`."""

    def __init__(self, subprotocol: str | None = "ocpp1.6") -> None:
        self.subprotocol = subprotocol
        self.written: list[str] = []
        self.closed: tuple[int, str] | None = None
        self.aborted = False
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.broken: LinkLost | None = None
        self.news = asyncio.Event()
        self.events: LinkEvents | None = None

    async def send(self, text: str) -> None:
        if self.broken is not None:
            raise self.broken
        await self.flowing.wait()
        self._tell(text)

    async def ping(self) -> None:
        await self.send(PING)

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)
        self.news.set()

    def abort(self) -> None:
        self.aborted = True
        self.news.set()

    async def read(self, events: LinkEvents) -> None:
        self.events = events
        self.news.set()

    async def until(self, count: int) -> list[str]:
        """Everything written, once it is that much."""
        while len(self.written) < count:
            await self.changed()
        return self.written

    async def changed(self) -> None:
        """Something happened to the link."""
        self.news.clear()
        async with asyncio.timeout(5):
            await self.news.wait()

    def _tell(self, text: str) -> None:
        self.written.append(text)
        self.news.set()
