"""A charger server on a free port with a fake door behind it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from gateway.adapters.charger_server import ChargerServer, Listener
from gateway.runtime.ports import Link
from tests.adapters.wire import Wire, request
from tests.fakes.doors import FakeDoors, FakeEvents, within
from tests.turns import one_turn

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


def dial(port: int, path: str = "/ocpp/CP1", *subprotocols: str, authorization: str | None = None) -> connect:
    """A well-behaved charger."""
    return connect(
        f"ws://127.0.0.1:{port}{path}",
        subprotocols=[Subprotocol(name) for name in subprotocols or ("ocpp1.6",)],
        additional_headers={} if authorization is None else {"Authorization": authorization},
        compression=None,
        proxy=None,
        ping_interval=None,
    )


async def enter(served: House) -> tuple[ClientConnection, FakeEvents]:
    """A charger that came in, and what its link tells."""
    charger = await dial(served.port)
    return charger, await served.doors.next_inside()


async def waiting_charger(served: House, charger: Wire) -> None:
    """Knock, and see that the door has heard it."""
    charger.send(request())
    await within(served.doors.arrivals.get())


async def send_until_stuck(charger: Wire, data: bytes) -> int:
    """Write until neither side of the loop moves any more; how often that was possible. Fails if it never ends."""
    transport = charger.writer.transport
    for sent in range(2_000):
        for _ in range(50):
            if transport.get_write_buffer_size() == 0:
                break
            await one_turn()
        else:
            return sent
        charger.send(data)
    pytest.fail("120 MB went through: nothing holds the charger back")


async def send_many(link: Link, count: int) -> None:
    """More than the kernel holds for a peer that does not read, if there are some hundred."""
    for _ in range(count):
        await link.send("x" * 60_000)


async def stuck_task(task: asyncio.Future[Any]) -> bool:
    """Turn the loop until the task cannot have anything left to do but wait."""
    for _ in range(5_000):
        await one_turn()
    return not task.done()


async def newest(served: House) -> FakeEvents:
    """Whoever came in last."""
    last = await served.doors.next_inside()
    while not served.doors.inside.empty():
        last = served.doors.inside.get_nowait()
    return last


async def is_served(served: House) -> None:
    """A charger comes in and is heard."""
    async with connect(served.url, proxy=None, compression=None) as charger:
        await charger.send("[2]")
        assert await (await newest(served)).next_text() == "[2]"
