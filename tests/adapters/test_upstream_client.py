"""Dialling a CSMS: the verdict, the reason there is none, and that no socket is left."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from gateway.adapters.tls import client_tls
from gateway.adapters.upstream_client import UpstreamDialer
from gateway.runtime.ports import Dialer, DialVerdict
from tests.adapters.certificates import Authority, Pair
from tests.adapters.csms_house import (
    BRIEF_S,
    MAX_FRAME,
    csms,
    dial,
    dial_tls,
    hangs_up,
    peer,
    refuses_in_tls,
    says,
    says_nothing,
    secure,
    why,
)
from tests.fakes.doors import FakeEvents, within
from tests.turns import one_turn

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
            link = seen.links.get_nowait()
            await within(link.wait_closed())
            assert link.close_code is not None
        # Leaving `csms` waits for every connection of it.
