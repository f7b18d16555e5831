"""A charger server on a free port with a fake door behind it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway.adapters.charger_server import ChargerServer, Listener
from tests.fakes.doors import FakeDoors

MAX_FRAME = 64 * 1024
BRIEF_S = 0.2
"""The server's own limits where a test waits for them to run out."""

AMPLE_S = 60.0
"""The same limits where a test must not depend on them."""


@dataclass(frozen=True)
class House:
    """What a test talks to."""

    server: ChargerServer
    doors: FakeDoors
    port: int

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ocpp/CP1"


@asynccontextmanager
async def house(
    doors: FakeDoors | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    open_timeout_s: float = AMPLE_S,
    close_timeout_s: float = BRIEF_S,
    handshakes: int = 256,
) -> AsyncIterator[House]:
    """Serve; afterwards close and see that nothing is left running."""
    before = asyncio.all_tasks()
    doors = doors or FakeDoors()
    server = ChargerServer(
        doors,
        [Listener("127.0.0.1", 0, tls)],
        max_frame=MAX_FRAME,
        open_timeout_s=open_timeout_s,
        close_timeout_s=close_timeout_s,
        handshakes=handshakes,
    )
    await server.open()
    try:
        yield House(server, doors, server.ports[0])
    finally:
        await server.close()
    left = {task for task in asyncio.all_tasks() - before if not task.done()}
    assert not left, left
