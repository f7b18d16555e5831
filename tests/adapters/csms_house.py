"""Real counterparts of the upstream client: a WebSocket server that behaves, and peers that do not."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request
from websockets.typing import Subprotocol

from gateway.adapters.upstream_client import UpstreamDialer
from gateway.runtime.ports import Unreachable, UpLink
from tests.adapters.certificates import Authority, Pair
from tests.counts import PATIENCE_S
from tests.fakes.doors import within

MAX_FRAME = 64 * 1024
BRIEF_S = 0.2

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Csms:
    """A real WebSocket server that keeps what it saw."""

    port: int = 0
    requests: asyncio.Queue[Request] = field(default_factory=asyncio.Queue)
    links: asyncio.Queue[ServerConnection] = field(default_factory=asyncio.Queue)

    async def link(self) -> ServerConnection:
        return await within(self.links.get())


@asynccontextmanager
async def csms(*subprotocols: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[Csms]:
    seen = Csms()

    async def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.requests.put_nowait(connection.request)
        seen.links.put_nowait(connection)
        await connection.wait_closed()

    names = [Subprotocol(name) for name in subprotocols] or None
    async with serve(
        handle,
        "127.0.0.1",
        0,
        subprotocols=names,
        ssl=tls,
        compression=None,
        ping_interval=None,
        close_timeout=BRIEF_S,
    ) as server:
        seen.port = server.sockets[0].getsockname()[1]
        yield seen


@asynccontextmanager
async def peer(behaviour: Peer) -> AsyncIterator[int]:
    """Something that listens and behaves as told; every socket must have ended when the test is over."""
    ended: list[asyncio.Task[None]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        ended.append(task)
        try:
            await behaviour(reader, writer)
            await drained(reader)
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await within(asyncio.gather(*ended))


async def drained(reader: asyncio.StreamReader) -> None:
    """Until the gateway hangs up."""
    try:
        while await reader.read(65_536):
            pass
    except ConnectionError:
        return


def says(answer: str) -> Peer:
    """Answers any request with these bytes."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer.encode())

    return behaviour


async def says_nothing(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Accepts, and that is all."""


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def dial(
    port: int,
    authorization: str | None = None,
    *,
    local_address: str | None = None,
    dial_timeout_s: float = PATIENCE_S,
) -> UpLink:
    upstream = UpstreamDialer(
        f"ws://127.0.0.1:{port}/ocpp",
        max_frame=MAX_FRAME,
        local_address=local_address,
        dial_timeout_s=dial_timeout_s,
        close_timeout_s=BRIEF_S,
    )
    return await within(upstream.dial("CP1", ("ocpp1.6",), authorization))


async def why(dialling: Awaitable[UpLink]) -> str:
    """The reason of an Unreachable, which ends with what to do next."""
    with pytest.raises(Unreachable) as unreachable:
        await dialling
    text = str(unreachable.value)
    assert ": " in text
    assert text.isprintable()
    return text


def secure(pair: Pair, client_ca: Authority | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    if client_ca is not None:
        context.load_verify_locations(client_ca.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def refuses_in_tls(context: ssl.SSLContext) -> Peer:
    """A server whose handshake fails. By hand, because asyncio hangs up without the alert that says why."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = context.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            incoming.write(await reader.read(65_536))
            try:
                server.do_handshake()
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
            except ssl.SSLError:
                writer.write(outgoing.read())
                return

    return behaviour


async def dial_tls(port: int, tls: ssl.SSLContext | None, host: str = "127.0.0.1") -> UpLink:
    upstream = UpstreamDialer(f"wss://{host}:{port}/ocpp", max_frame=MAX_FRAME, tls=tls, close_timeout_s=BRIEF_S)
    return await within(upstream.dial("CP1", ("ocpp1.6",), None))
