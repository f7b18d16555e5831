"""Dialling a CSMS: the verdict, the reason there is none, the link, and that no socket is left."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request
from websockets.typing import Subprotocol
from websockets.utils import accept_key

from gateway.adapters.tls import client_tls
from gateway.adapters.upstream_client import UpstreamDialer
from gateway.runtime.ports import Dialer, DialVerdict, LinkLost, Unreachable, UpLink
from tests.adapters.certificates import Authority, Pair
from tests.counts import PATIENCE_S
from tests.fakes.doors import FakeEvents, within
from tests.turns import one_turn

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


# What upstream hears


async def test_upstream_sees_the_charger() -> None:
    async with csms("ocpp1.6", "ocpp2.0.1") as seen:
        upstream = UpstreamDialer(f"ws://127.0.0.1:{seen.port}/tenant/{{identity}}/ws", max_frame=MAX_FRAME)
        link = await within(upstream.dial("RDAM 1|2", ("ocpp2.0.1", "ocpp1.6"), "Basic QUw6/wD+"))
        request = await within(seen.requests.get())
        assert request.path == "/tenant/RDAM%201%7C2/ws"
        assert request.headers.get_all("Authorization") == ["Basic QUw6/wD+"]
        assert request.headers.get_all("Sec-WebSocket-Protocol") == ["ocpp2.0.1, ocpp1.6"]
        assert "Sec-WebSocket-Extensions" not in request.headers
        assert request.headers["User-Agent"] == "evgate"
        assert link.subprotocol == "ocpp1.6"
        link.abort()


async def test_without_credentials_none_are_sent() -> None:
    async with csms() as seen:
        link = await dial(seen.port)
        assert "Authorization" not in (await within(seen.requests.get())).headers
        link.abort()


async def test_credentials_that_are_no_text_pass_as_they_came() -> None:
    async with csms() as seen:
        link = await dial(seen.port, authorization="Basic \xff\xe9")
        assert (await within(seen.requests.get())).headers["Authorization"] == "Basic \xff\xe9"
        link.abort()


async def test_upstream_may_name_no_subprotocol() -> None:
    async with csms() as seen:
        link = await dial(seen.port)
        assert link.subprotocol is None
        link.abort()


async def test_the_local_address_is_used() -> None:
    async with csms() as seen:
        link = await dial(seen.port, local_address="127.0.0.2")
        assert (await seen.link()).remote_address[0] == "127.0.0.2"
        link.abort()


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("ws://csms.example/ocpp", "csms.example:80"),
        ("wss://csms.example/ocpp", "csms.example:443"),
        ("wss://CSMS.example:8443/ocpp", "csms.example:8443"),
        ("ws://[2001:db8::1]:9000/{identity}", "[2001:db8::1]:9000"),
    ],
)
def test_who_shares_a_gate(url: str, host: str) -> None:
    dialer: Dialer = UpstreamDialer(url, max_frame=1)
    assert dialer.host == host


# The verdict


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_verdict_is_a_verdict(status: int) -> None:
    answer = f"HTTP/1.1 {status} No\r\nContent-Length: 2\r\nWWW-Authenticate: Basic\r\n\r\nno"
    async with peer(says(answer)) as port:
        with pytest.raises(DialVerdict) as verdict:
            await dial(port)
        assert verdict.value.status == status


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "HTTP 503"),
        ("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", "HTTP 500"),
        ("HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n", "HTTP 429"),
        ("HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n", "HTTP 400"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP 200"),
        ("HTTP/1.1 302 Go\r\nContent-Length: 0\r\n\r\n", "another address"),
        ("HTTP/1.1 302 Go\r\nContent-Length: 0\r\nLocation: //[\r\n\r\n", "another address"),
        ("HTTP/1.1 301 Go\r\nContent-Length: 0\r\nLocation: wss://a.example/?key=s3cret\r\n\r\n", "wss://a.example:"),
        ("220 smtp.example ESMTP\r\n", "no HTTP"),
        ("HTTP/1.0 404 Old\r\n\r\n", "no HTTP"),
        ("\xff\xfe\r\n", "no HTTP"),
        ("HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\n\r\n", "Connection"),
        (
            "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
            "Sec-WebSocket-Accept",
        ),
    ],
)
async def test_everything_else_is_no_verdict(answer: str, reason: str) -> None:
    async with peer(says(answer)) as port:
        text = await why(dial(port))
        assert f"127.0.0.1:{port}" in text
        assert reason in text
        assert "s3cret" not in text


async def test_a_redirect_is_not_followed() -> None:
    async with csms() as elsewhere:
        answer = f"HTTP/1.1 307 Go\r\nContent-Length: 0\r\nLocation: ws://127.0.0.1:{elsewhere.port}/\r\n\r\n"
        async with peer(says(answer)) as port:
            text = await why(dial(port, authorization="Basic c2VjcmV0"))
            assert "HTTP 307" in text
        assert elsewhere.requests.empty()


async def test_a_subprotocol_that_was_not_offered_is_refused() -> None:
    async def choose(connection: ServerConnection) -> None:
        await connection.wait_closed()

    def insist(_connection: ServerConnection, _offered: Sequence[Subprotocol]) -> Subprotocol:
        return Subprotocol("ocpp2.0.1")

    async with serve(choose, "127.0.0.1", 0, select_subprotocol=insist) as server:
        text = await why(dial(server.sockets[0].getsockname()[1]))
        assert "was not offered" in text
        assert "ocpp2.0.1" in text


async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert "nothing listens there" in await why(dial(port))


async def test_nobody_listens_on_any_address_of_a_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert "nothing listens there" in await why(
        within(UpstreamDialer(f"ws://localhost:{port}", max_frame=1).dial("CP1", ("ocpp1.6",), None))
    )


@pytest.mark.parametrize("host", [".".join(["x" * 60] * 5), "x" * 70 + ".invalid", "a..invalid"])
async def test_a_name_that_does_not_resolve(host: str) -> None:
    text = await why(within(UpstreamDialer(f"ws://{host}/", max_frame=1).dial("CP1", ("ocpp1.6",), None)))
    assert "cannot be resolved" in text


async def test_a_local_address_of_another_machine() -> None:
    async with csms() as seen:
        assert "`local_address`" in await why(dial(seen.port, local_address="192.0.2.1"))


async def test_upstream_that_says_nothing() -> None:
    async with peer(says_nothing) as port:
        assert "no answer within 0.2 s" in await why(dial(port, dial_timeout_s=BRIEF_S))


async def test_upstream_that_hangs_up() -> None:
    async with peer(hangs_up) as port:
        assert "hung up" in await why(dial(port))


async def test_upstream_that_cuts_the_connection() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The request stays unread, so the kernel answers the close with RST.
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.transport.abort()

    async with peer(reset) as port:
        text = await why(dial(port))
        assert "cut the connection" in text or "hung up" in text


# TLS


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


async def test_upstream_with_a_ca_of_its_own(server_pair: Pair, authority: Authority) -> None:
    async with csms(tls=secure(server_pair)) as seen:
        link = await dial_tls(seen.port, client_tls(authority.certificate))
        events = FakeEvents()
        reading = asyncio.create_task(link.read(events))
        await (await seen.link()).send("[2]")
        assert await events.next_text() == "[2]"
        await link.close(1000, "")
        await within(reading)


@pytest.mark.parametrize("own", [True, False])
async def test_an_unknown_ca_is_named(server_pair: Pair, other_authority: Authority, own: bool) -> None:
    async with csms(tls=secure(server_pair)) as seen:
        text = await why(dial_tls(seen.port, client_tls(other_authority.certificate) if own else None))
        assert "certificate verify failed" in text
        assert "set `ca`" in text


async def test_a_certificate_for_another_host_is_named(server_pair: Pair, authority: Authority) -> None:
    async with csms(tls=secure(server_pair)) as seen:
        assert "another host name" in await why(dial_tls(seen.port, client_tls(authority.certificate), "localhost"))


async def test_a_client_certificate_that_is_missing_is_named(
    server_pair: Pair, client_pair: Pair, authority: Authority
) -> None:
    context = secure(server_pair, authority)
    async with peer(refuses_in_tls(context)) as port:
        assert "it wants a client certificate" in await why(dial_tls(port, client_tls(authority.certificate)))
    async with csms(tls=context) as seen:
        tls = client_tls(authority.certificate, client_pair.certificate, client_pair.key)
        (await dial_tls(seen.port, tls)).abort()


async def test_a_port_without_tls_is_named(authority: Authority) -> None:
    async def speaks_first(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with peer(speaks_first) as port:
        assert "no TLS on this port" in await why(dial_tls(port, client_tls(authority.certificate)))


# Cancelling


async def test_a_cancelled_dial_leaves_no_socket() -> None:
    connected = asyncio.Event()

    async def waits(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        connected.set()

    async with peer(waits) as port:
        dialling = asyncio.create_task(dial(port))
        await within(connected.wait())
        dialling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dialling
        # `peer` waits here for the end of its socket.


async def test_a_dial_cancelled_during_tls_leaves_no_socket(authority: Authority) -> None:
    connected = asyncio.Event()

    async def waits(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(5)
        connected.set()

    async with peer(waits) as port:
        dialling = asyncio.create_task(dial_tls(port, client_tls(authority.certificate)))
        await within(connected.wait())
        dialling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dialling


@pytest.mark.parametrize("turns", range(12))
async def test_a_dial_cancelled_at_any_turn_leaves_no_socket(turns: int) -> None:
    async with csms() as seen:
        dialling = asyncio.create_task(dial(seen.port))
        for _ in range(turns):
            await one_turn()
        dialling.cancel()
        with suppress(asyncio.CancelledError):
            (await dialling).abort()
        while not seen.links.empty():
            await within(seen.links.get_nowait().wait_closed())
        # Leaving `csms` waits for every connection of it.


# The link


async def test_nothing_is_read_before_it_is_asked_for() -> None:
    async with csms() as seen:
        link = await dial(seen.port)
        server = await seen.link()
        sent = 0
        sending: asyncio.Task[None] | None = None
        while sending is None or sending.done():
            sending = asyncio.create_task(server.send("x" * 60_000))
            sent += 1
            assert sent < 2_000, "120 MB went through: the link reads ahead"
            for _ in range(50):
                await one_turn()
        events = FakeEvents()
        reading = asyncio.create_task(link.read(events))
        for _ in range(sent):
            assert len(await events.next_text()) == 60_000
        await within(sending)
        await link.close(1001, "charger gone")
        await within(reading)
        assert await events.ending() == (1001, "charger gone")


async def test_an_end_before_reading_is_told_when_reading_begins() -> None:
    async with csms() as seen:
        link = await dial(seen.port)
        server = await seen.link()
        await server.send("[2]")
        await server.close(1008, "go away")
        events = FakeEvents()
        await within(link.read(events))
        assert await events.next_text() == "[2]"
        assert await events.ending() == (1008, "go away")
        with pytest.raises(LinkLost) as lost:
            await link.send("[3]")
        assert (lost.value.code, lost.value.reason) == (1008, "go away")


async def test_reading_that_is_cancelled_drops_the_link() -> None:
    async with csms() as seen:
        link = await dial(seen.port)
        events = FakeEvents()
        reading = asyncio.create_task(link.read(events))
        await one_turn()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await events.ending() == (None, "the gateway stopped reading")
        await within((await seen.link()).wait_closed())


async def test_a_frame_beyond_the_limit_ends_the_link() -> None:
    async with csms() as seen:
        link = await dial(seen.port)
        events = FakeEvents()
        reading = asyncio.create_task(link.read(events))
        await (await seen.link()).send("x" * (MAX_FRAME + 1))
        assert (await events.ending())[0] == 1009
        await within(reading)


async def test_a_binary_frame_ends_the_link() -> None:
    async with csms() as seen:
        link = await dial(seen.port)
        events = FakeEvents()
        reading = asyncio.create_task(link.read(events))
        server = await seen.link()
        await server.send(b"[2]")
        assert (await events.ending())[0] == 1003
        await within(reading)
        assert server.close_code == 1003


async def test_upstream_that_does_not_finish_its_close_is_dropped() -> None:
    async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        key = head.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0].decode()
        writer.write(
            "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n".encode()
        )
        writer.write(b"\x88\x02\x03\xe9")

    async with peer(closes) as port:
        link = await dial(port)
        events = FakeEvents()
        await within(link.read(events))
        assert await events.ending() == (1001, "")
