"""The TLS listener: who gets in, and what an installer is told about who does not."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest
from websockets.asyncio.client import connect

from gateway.adapters.tls import server_tls
from tests.adapters.certificates import Authority, Pair
from tests.adapters.charger_house import BRIEF_S, House, house
from tests.adapters.wire import TEXT, Wire, frame, request, wire
from tests.fakes.doors import FakeDoors, Misfit, within


@pytest.fixture
def listener(server_pair: Pair) -> ssl.SSLContext:
    return server_tls(server_pair.certificate, server_pair.key)


def trusting(authority: Authority) -> ssl.SSLContext:
    """A charger's side."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.certificate)
    return context


async def misfit(served: House) -> Misfit:
    told = await served.doors.next_misfit()
    assert ": " in told.text, "says what to do next"
    assert served.doors.misfits.empty()
    assert served.doors.arrivals.empty()
    return told


async def is_served(served: House, tls: ssl.SSLContext) -> None:
    async with connect(f"wss://127.0.0.1:{served.port}/CP1", ssl=tls, proxy=None) as charger:
        events = await served.doors.next_inside()
        assert events.link is not None
        await charger.send("[2]")
        assert await events.next_text() == "[2]"
        await events.link.send("[3]" + "x" * 200_000)
        assert len(await within(charger.recv())) == 200_003
        await events.link.close(1001, "bye")
        assert await events.ending() == (1001, "bye")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_charger_comes_in(listener: ssl.SSLContext, authority: Authority, version: ssl.TLSVersion) -> None:
    tls = trusting(authority)
    tls.minimum_version = tls.maximum_version = version
    async with house(tls=listener) as served:
        await is_served(served, tls)
        assert (await within(served.doors.arrivals.get())).remote.startswith("127.0.0.1:")


@pytest.mark.parametrize("suite", ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256"])
async def test_a_charger_limited_to_one_suite_comes_in(
    listener: ssl.SSLContext, authority: Authority, suite: str
) -> None:
    tls = trusting(authority)
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.set_ciphers(suite)
    async with house(tls=listener) as served:
        await is_served(served, tls)
        assert served.doors.arrivals.qsize() == 1


async def test_a_request_in_the_last_segment_of_the_handshake_is_read(
    listener: ssl.SSLContext, authority: Authority
) -> None:
    async with house(tls=listener) as served:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = trusting(authority).wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
        async with wire(served.port) as raw:
            with pytest.raises(ssl.SSLWantReadError):
                client.do_handshake()
            raw.send(outgoing.read())
            while True:
                incoming.write(await within(raw.reader.read(65_536)))
                try:
                    client.do_handshake()
                except ssl.SSLWantReadError:
                    raw.send(outgoing.read())
                else:
                    break
            client.write(request())
            client.write(frame(TEXT, b"[2]"))
            raw.send(outgoing.read())
            assert await (await served.doors.next_inside()).next_text() == "[2]"


async def test_a_client_certificate_is_asked_for(
    server_pair: Pair, client_pair: Pair, authority: Authority, other_authority: Authority
) -> None:
    context = server_tls(server_pair.certificate, server_pair.key, authority.certificate)
    stranger = other_authority.issue("stranger", "DNS:CP1")
    async with house(tls=context) as served:
        tls = trusting(authority)
        tls.load_cert_chain(client_pair.certificate, client_pair.key)
        await is_served(served, tls)
        await within(served.doors.arrivals.get())

        await knock(served, trusting(authority))
        assert "no client certificate" in (await misfit(served)).text

        tls = trusting(authority)
        tls.load_cert_chain(stranger.certificate, stranger.key)
        await knock(served, tls)
        assert "does not vouch for" in (await misfit(served)).text


async def knock(served: House, tls: ssl.SSLContext) -> None:
    """Try, and see the door stay shut. Blocking, because asyncio hangs up without the alert that says why."""

    def shake_hands() -> bytes:
        try:
            with (
                socket.create_connection(("127.0.0.1", served.port)) as plain,
                tls.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
            ):
                # In TLS 1.3 the client hears only now that its certificate is refused.
                return secured.recv(1)
        except (ssl.SSLError, ConnectionError):
            return b""

    assert await within(asyncio.to_thread(shake_hands)) == b""


async def test_a_charger_that_does_not_trust_the_gateway_is_named(
    listener: ssl.SSLContext, other_authority: Authority
) -> None:
    async with house(tls=listener) as served:
        await knock(served, trusting(other_authority))
        told = await misfit(served)
        assert told.what == "tls_failed"
        assert "does not trust the gateway's certificate" in told.text


async def test_a_charger_with_old_tls_is_named(listener: ssl.SSLContext, authority: Authority) -> None:
    async with house(tls=listener) as served, wire(served.port) as charger:
        # A ClientHello of TLS 1.0: version, random, no session, one suite, no compression.
        hello = bytes.fromhex("0301") + bytes(32) + bytes.fromhex("000002002f0100")
        message = b"\x01" + len(hello).to_bytes(3) + hello
        charger.send(bytes.fromhex("160301") + len(message).to_bytes(2) + message)
        await charger.rest()
        told = await misfit(served)
        assert told.what == "tls_failed"
        assert "TLS 1.1 or older" in told.text
        await is_served(served, trusting(authority))


@pytest.mark.parametrize(
    ("sent", "what", "words"),
    [
        (request(), "plain_on_tls_port", "wss:// in place of ws://"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "garbage", "no TLS"),
        (b"\x16\x03\x01\x00\x05\x01\xff", "cut_short", "hung up"),
        (b"", "cut_short", "hung up"),
    ],
)
async def test_what_is_no_tls_is_named(
    listener: ssl.SSLContext, authority: Authority, sent: bytes, what: str, words: str
) -> None:
    async with house(tls=listener) as served, wire(served.port) as stranger:
        stranger.send(sent)
        stranger.writer.write_eof()
        await stranger.rest()
        told = await misfit(served)
        assert told.what == what
        assert told.remote == stranger.address
        assert words in told.text
        await is_served(served, trusting(authority))


async def test_a_silent_socket_is_dropped(listener: ssl.SSLContext) -> None:
    async with house(tls=listener, open_timeout_s=BRIEF_S) as served, wire(served.port) as silent:
        assert await silent.rest() == b""
        assert (await misfit(served)).what == "silent"


async def test_a_socket_that_is_silent_inside_tls_is_dropped(listener: ssl.SSLContext, authority: Authority) -> None:
    async with (
        house(tls=listener, open_timeout_s=BRIEF_S) as served,
        wire(served.port, trusting(authority)) as silent,
    ):
        assert await silent.rest() == b""
        assert (await misfit(served)).what == "silent"


async def test_silent_sockets_do_not_keep_a_charger_out(listener: ssl.SSLContext, authority: Authority) -> None:
    async with (
        house(tls=listener, handshakes=2) as served,
        wire(served.port) as first,
        wire(served.port) as _second,
        wire(served.port) as _third,
    ):
        assert await first.rest() == b""
        assert (await misfit(served)).what == "too_many_handshakes"
        await is_served(served, trusting(authority))


async def test_garbage_inside_tls_is_named(listener: ssl.SSLContext, authority: Authority) -> None:
    # 0x16 begins a TLS handshake on the plain port only.
    async with house(tls=listener) as served, wire(served.port, trusting(authority)) as stranger:
        stranger.send(b"\x16\x03\x01\r\n\r\n")
        await stranger.rest()
        assert (await misfit(served)).what == "garbage"


async def test_plain_http_inside_tls_is_told_the_tls_url(listener: ssl.SSLContext, authority: Authority) -> None:
    async with house(tls=listener) as served, wire(served.port, trusting(authority)) as browser:
        browser.send(request("/", {"Host": "gateway"}))
        assert f"wss://<this host>:{served.port}/".encode() in await browser.rest()
        assert (await misfit(served)).what == "plain_http"


async def test_closing_does_not_wait_for_a_handshake(listener: ssl.SSLContext) -> None:
    async with house(FakeDoors(), tls=listener) as served, wire(served.port) as silent:
        await accepted(served, silent)
        await within(served.server.close())
        assert await silent.rest() == b""
        assert served.doors.misfits.empty()


async def accepted(served: House, silent: Wire) -> None:
    """Begin a TLS handshake and see that the gateway has read it: only then is its side of the socket there."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    client = context.wrap_bio(incoming, outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    silent.send(outgoing.read())
    assert await within(silent.reader.read(1))
    # What the gateway wrote so far has come; the rest of its hello is no matter here.
    while True:
        try:
            async with asyncio.timeout(0):
                await silent.reader.read(65_536)
        except TimeoutError:
            return
