"""Whatever else comes to a charger's port: a bounded, counted, plainly worded reaction, and nobody else notices."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest

from gateway.runtime.ports import LinkLost
from tests.adapters.charger_house import BRIEF_S, House, house, is_served
from tests.adapters.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    UPGRADE,
    Wire,
    frame,
    request,
    wire,
)
from tests.fakes.doors import FakeDoors, Misfit, within
from tests.turns import one_turn


@pytest.fixture(autouse=True)
def _no_noise(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Neither the library nor asyncio has anything to say about what a peer does."""
    caplog.set_level(logging.INFO)
    yield
    noise = [record for record in caplog.get_records("call") if record.levelno >= logging.INFO]
    assert not noise, noise


async def misfit(served: House, sender: Wire) -> Misfit:
    """What the door is told, once, about this sender."""
    told = await served.doors.next_misfit()
    assert told.remote == sender.address
    assert ": " in told.text, "says what to do next"
    assert served.doors.misfits.empty()
    assert served.doors.arrivals.empty()
    return told


# No upgrade


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_plain_http_is_told_which_url_chargers_use(method: str) -> None:
    async with house() as served, wire(served.port) as browser:
        browser.send(request("/", {"Host": "gateway", "Connection": "keep-alive"}, method=method))
        answer = (await browser.rest()).decode()
        assert answer.startswith("HTTP/1.1 426 ")
        assert f"ws://<this host>:{served.port}/<any prefix>/<identity>" in answer
        assert "Upgrade: websocket" in answer
        assert (await misfit(served, browser)).what == "plain_http"
        await is_served(served)


@pytest.mark.parametrize(
    ("headers", "flaw"),
    [
        ({**UPGRADE, "Connection": "keep-alive"}, "Connection"),
        ({**UPGRADE, "Upgrade": "h2c"}, "Upgrade"),
        ({**UPGRADE, "Sec-WebSocket-Key": "short"}, "Sec-WebSocket-Key"),
        ({**UPGRADE, "Sec-WebSocket-Version": "8"}, "Sec-WebSocket-Version"),
        ({"Host": "gateway", "Sec-WebSocket-Protocol": "ocpp1.6"}, "Connection"),
    ],
)
async def test_a_broken_upgrade_is_told_what_is_broken(headers: dict[str, str], flaw: str) -> None:
    async with house() as served, wire(served.port) as charger:
        charger.send(request(headers=headers))
        answer = (await charger.rest()).decode()
        assert answer.startswith("HTTP/1.1 400 ")
        assert "Sec-WebSocket-Version: 13" in answer
        told = await misfit(served, charger)
        assert told.what == "broken_upgrade"
        assert flaw in told.text
        assert flaw in answer


async def test_two_passwords_are_one_too_many() -> None:
    async with house() as served, wire(served.port) as charger:
        charger.send(request("/ocpp/CP1", UPGRADE, "Authorization: Basic Zmlyc3Q=", "Authorization: Basic c2Vjb25k"))
        assert (await charger.rest()).startswith(b"HTTP/1.1 400 ")
        told = await misfit(served, charger)
        assert told.what == "broken_upgrade"
        assert "Zmlyc3Q" not in told.text


@pytest.mark.parametrize(
    ("path", "status"), [("/", 404), ("/?id=CP1", 404), ("/ocpp/%ff", 400), ("/ocpp/a%2Fb", 400), ("/ocpp/..", 400)]
)
async def test_a_url_without_a_usable_identity_is_refused(path: str, status: int) -> None:
    async with house() as served, wire(served.port) as charger:
        charger.send(request(path))
        answer = (await charger.rest()).decode()
        assert answer.startswith(f"HTTP/1.1 {status} ")
        told = await misfit(served, charger)
        assert told.what == "bad_identity"
        assert told.text in answer


# No HTTP


async def test_tls_on_the_plain_port_is_named() -> None:
    async with house() as served, wire(served.port) as charger:
        charger.send(bytes.fromhex("1603010200010001fc0303") + bytes(500))
        assert await charger.rest() == b""
        told = await misfit(served, charger)
        assert told.what == "tls_on_plain_port"
        assert "ws:// in place of wss://" in told.text


@pytest.mark.parametrize(
    "sent",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00\x00\x00\n",
        b"GET /ocpp/CP1 HTTP/1.1\nHost: bare line feeds\n\n",
        b"GET /ocpp/CP1 HTTP/2.0\r\n\r\n",
        "GET /ocpp/Säule HTTP/1.1\r\n\r\n".encode(),
        b"GET /ocpp/CP1 HTTP/1.1\r\nAuthorization: Basic c2Vj\x00cmV0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
    ],
)
async def test_garbage_is_dropped_and_shown_by_its_first_bytes(sent: bytes) -> None:
    async with house() as served, wire(served.port) as sender:
        sender.send(sent)
        assert await sender.rest() == b""
        told = await misfit(served, sender)
        assert told.what == "garbage"
        assert ascii(sent[:16])[1:] in told.text
        assert "c2Vj" not in told.text
        await is_served(served)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 9_000,
        b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * 200,
        b"GET / HTTP/1.1\r\n" + (b"X: " + b"x" * 8_000 + b"\r\n") * 5,
    ],
)
async def test_an_endless_request_is_cut(sent: bytes) -> None:
    async with house() as served, wire(served.port) as sender:
        sender.send(sent)
        await sender.rest()
        assert (await misfit(served, sender)).what == "oversized_request"
        await is_served(served)


async def test_a_probe_is_counted() -> None:
    async with house() as served, wire(served.port) as probe:
        probe.writer.write_eof()
        assert (await misfit(served, probe)).what == "empty_probe"


async def test_half_a_request_is_counted() -> None:
    async with house() as served, wire(served.port) as charger:
        charger.send(request()[:-2])
        charger.writer.write_eof()
        assert (await misfit(served, charger)).what == "cut_short"


async def test_who_says_nothing_is_dropped() -> None:
    async with house(open_timeout_s=BRIEF_S) as served, wire(served.port) as silent:
        assert await silent.rest() == b""
        assert (await misfit(served, silent)).what == "silent"


async def test_who_speaks_too_slowly_is_dropped() -> None:
    async with house(open_timeout_s=BRIEF_S) as served, wire(served.port) as slow:
        slow.send(request()[:-2])
        assert await slow.rest() == b""
        assert (await misfit(served, slow)).what == "slow_request"


async def test_the_limit_ends_with_the_request_and_not_with_the_verdict() -> None:
    doors = FakeDoors()
    doors.gate.clear()
    async with house(doors, open_timeout_s=BRIEF_S) as served, wire(served.port) as charger:
        charger.send(request())
        await within(doors.arrivals.get())
        async with wire(served.port) as silent:
            assert await silent.rest() == b""
        doors.gate.set()
        assert (await charger.head()).startswith("HTTP/1.1 101 ")


async def test_silent_sockets_do_not_keep_a_charger_out() -> None:
    async with house(handshakes=3) as served:
        async with wire(served.port) as first, wire(served.port), wire(served.port), wire(served.port):
            assert await first.rest() == b""
            told = await misfit(served, first)
            assert told.what == "too_many_handshakes"
            await is_served(served)
        await is_served(served)


async def test_a_full_doorstep_answers_503() -> None:
    doors = FakeDoors()
    doors.gate.clear()
    async with house(doors, handshakes=2) as served, wire(served.port) as first, wire(served.port) as second:
        for charger in (first, second):
            charger.send(request())
            await within(doors.arrivals.get())
        async with wire(served.port) as third:
            assert (await third.head()).startswith("HTTP/1.1 503 ")
            assert (await misfit(served, third)).what == "too_many_handshakes"
        doors.gate.set()
        for charger in (first, second):
            assert (await charger.head()).startswith("HTTP/1.1 101 ")
        await is_served(served)


async def test_garbage_behind_a_request_ends_it_before_the_verdict() -> None:
    doors = FakeDoors()
    doors.gate.clear()
    async with house(doors) as served, wire(served.port) as sender:
        sender.send(request() + b"\xff\xff\xff\xff")
        await within(doors.vanished.wait())
        assert b"101" not in await sender.rest()
        assert doors.inside.empty()


async def test_garbage_behind_a_request_with_a_quick_verdict_is_told_as_a_lost_link() -> None:
    async with house() as served, wire(served.port) as sender:
        sender.send(request() + b"\xff\xff\xff\xff")
        events = await served.doors.next_inside()
        assert (await events.ending())[0] is None
        assert b"101" not in await sender.rest()


# Frames


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(BINARY, b"[2]"), 1003),
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT, b"\xed\xa0\x80"), 1007),
        (frame(TEXT, b"\xc3", fin=False) + frame(CONTINUATION, b"("), 1007),
        (frame(TEXT, b"[2", announced=10 * 1024 * 1024), 1009),
        (frame(TEXT, b"[2", announced=2**63 - 1), 1009),
        (frame(TEXT, b"x" * 60_000, fin=False) + frame(CONTINUATION, b"x" * 60_000), 1009),
        (frame(TEXT, fin=False) + frame(CONTINUATION, fin=False) * 5_000, 1009),
        (frame(CONTINUATION, b"x"), 1002),
        (frame(TEXT, b"x", fin=False) + frame(TEXT, b"x"), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(PING, fin=False), 1002),
        (frame(CLOSE, b"\x00"), 1002),
        (frame(CLOSE, b"\x03\xed"), 1002),
        (b"\x81\x01x", 1002),
        (b"\xf1\x81\x00\x00\x00\x00x", 1002),
        (b"\x8b\x80\x00\x00\x00\x00", 1002),
    ],
)
async def test_a_frame_against_the_rules_ends_its_own_link(sent: bytes, code: int) -> None:
    async with house() as served, wire(served.port) as charger:
        await charger.upgrade()
        events = await served.doors.next_inside()
        charger.send(sent)
        assert (await charger.close_frame())[0] == code
        # The charger neither answers the close frame nor hangs up.
        ending = await events.ending()
        assert ending[0] == code
        assert ending[1]
        assert events.link is not None
        with pytest.raises(LinkLost):
            await events.link.send("[]")
        await is_served(served)


async def test_ten_megabytes_are_neither_kept_nor_relayed() -> None:
    async with house() as served, wire(served.port) as charger:
        await charger.upgrade()
        events = await served.doors.next_inside()
        charger.send(frame(TEXT, b"x" * 10_000_000))
        assert (await events.ending())[0] == 1009
        assert events.texts.empty()
        assert (await charger.close_frame())[0] == 1009


async def test_a_text_may_hold_what_json_may_not() -> None:
    async with house() as served, wire(served.port) as charger:
        await charger.upgrade()
        events = await served.doors.next_inside()
        for text in ("\x00", "[" * 30_000, '["\\ud800"]', "not JSON", "9" * 5_000):
            charger.send(frame(TEXT, text.encode()))
            assert await events.next_text() == text


async def test_a_flood_of_pings_that_nobody_reads_is_answered_once_it_is_read() -> None:
    async with house() as served, wire(served.port) as charger:
        await charger.upgrade()
        events = await served.doors.next_inside()
        charger.writer.transport.pause_reading()  # type: ignore[attr-defined]
        payload = b"x" * 120
        sent = 0
        while charger.writer.transport.get_write_buffer_size() == 0 and sent < 120_000:
            charger.send(frame(PING, payload) * 400)
            sent += 400
            for _ in range(3):
                await one_turn()
        charger.send(frame(PING, b"last") + frame(TEXT, b"[2]"))
        # All were read, and none waits in memory for a socket that takes nothing.
        assert await events.next_text() == "[2]"
        charger.writer.transport.resume_reading()  # type: ignore[attr-defined]
        answered = 0
        while (pong := await charger.frame()) != (PONG, b"last"):
            assert pong == (PONG, payload)
            answered += 1
        assert answered < sent


async def test_a_link_to_who_reads_nothing_and_half_closes_still_ends() -> None:
    async with house() as served, wire(served.port) as charger:
        await charger.upgrade()
        events = await served.doors.next_inside()
        assert events.link is not None
        charger.writer.transport.pause_reading()  # type: ignore[attr-defined]
        sending = asyncio.create_task(events.link.send("x" * 30_000_000))
        for _ in range(1_000):
            await one_turn()
        assert not sending.done()
        charger.writer.write_eof()
        await events.ending()
        with pytest.raises(LinkLost):
            await sending
