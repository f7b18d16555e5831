"""Chargers that behave: who comes in, what is answered, how frames and endings are told."""

from __future__ import annotations

import asyncio
import socket

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from gateway.adapters.charger_server import ChargerServer, Listener, ListenFailed
from gateway.runtime.ports import Link, LinkLost, Refused
from tests.adapters.charger_house import MAX_FRAME, House, house
from tests.adapters.wire import CLOSE, PING, PONG, TEXT, Wire, frame, request, wire
from tests.fakes.doors import FakeDoors, FakeEvents, within
from tests.turns import one_turn


def dial(port: int, path: str = "/ocpp/CP1", *subprotocols: str, authorization: str | None = None) -> connect:
    return connect(
        f"ws://127.0.0.1:{port}{path}",
        subprotocols=[Subprotocol(name) for name in subprotocols or ("ocpp1.6",)],
        additional_headers={} if authorization is None else {"Authorization": authorization},
        compression=None,
        proxy=None,
        ping_interval=None,
    )


async def enter(served: House) -> tuple[ClientConnection, FakeEvents]:
    charger = await dial(served.port)
    return charger, await served.doors.next_inside()


# Arrival and answer


async def test_the_door_hears_who_knocks() -> None:
    async with house() as served:
        header = "Basic QUwxMDAwOgABAgP/"
        async with dial(served.port, "//any//RDAM%20123?x", "ocpp2.0.1", "ocpp1.6", authorization=header) as charger:
            arrival = await within(served.doors.arrivals.get())
            assert arrival.identity == "RDAM 123"
            assert arrival.offered == ("ocpp2.0.1", "ocpp1.6")
            assert arrival.authorization == header
            assert arrival.listener == f"127.0.0.1:{served.port}"
            assert arrival.remote == f"127.0.0.1:{charger.local_address[1]}"


async def test_without_credentials_none_are_told() -> None:
    async with house() as served, wire(served.port) as charger:
        await charger.upgrade("Authorization:")
        assert (await within(served.doors.arrivals.get())).authorization is None


async def test_the_door_chooses_the_subprotocol() -> None:
    async with (
        house(FakeDoors(subprotocol="ocpp2.0.1")) as served,
        dial(served.port, "/CP1", "ocpp1.6", "ocpp2.0.1") as charger,
    ):
        assert charger.subprotocol == "ocpp2.0.1"


@pytest.mark.parametrize(
    ("lines", "offered", "answered"),
    [
        ((), (), None),
        (("Sec-WebSocket-Protocol: ,ocpp1.6",), ("ocpp1.6",), "ocpp1.6"),
        (("Sec-WebSocket-Protocol: , ,",), (), None),
        (("Sec-WebSocket-Protocol: ocpp1.6 ocpp2.0.1",), ("ocpp1.6", "ocpp2.0.1"), "ocpp1.6"),
        (("Sec-WebSocket-Protocol: {bad}", "Sec-WebSocket-Protocol: OCPP1.6"), ("OCPP1.6",), "OCPP1.6"),
    ],
)
async def test_a_malformed_offer_is_read_as_meant(
    lines: tuple[str, ...], offered: tuple[str, ...], answered: str | None
) -> None:
    async with house() as served, wire(served.port) as charger:
        head = await charger.upgrade(*lines)
        assert head.startswith("HTTP/1.1 101 ")
        assert (await within(served.doors.arrivals.get())).offered == offered
        named = [line for line in head.split("\r\n") if line.startswith("Sec-WebSocket-Protocol")]
        assert named == ([] if answered is None else [f"Sec-WebSocket-Protocol: {answered}"])
        assert "Server:" not in head


async def test_compression_is_declined() -> None:
    async with house() as served, wire(served.port) as charger:
        head = await charger.upgrade("Sec-WebSocket-Extensions: permessage-deflate")
        assert "Extensions" not in head


@pytest.mark.parametrize(
    ("status", "header", "value"),
    [
        (401, "WWW-Authenticate", 'Basic realm="ocpp"'),
        (403, "WWW-Authenticate", None),
        (404, "Retry-After", None),
        (503, "Retry-After", "30"),
    ],
)
async def test_a_refusal_is_answered_in_http(status: int, header: str, value: str | None) -> None:
    async with house(FakeDoors(refusal=Refused(status, "no: do this instead"))) as served:
        with pytest.raises(InvalidStatus) as refused:
            await dial(served.port)
        response = refused.value.response
        assert response.status_code == status
        assert response.headers.get(header) == value
        assert bytes(response.body) == b"no: do this instead\n"
        assert served.doors.inside.empty()


async def waiting_charger(served: House, charger: Wire) -> None:
    """Knock, and see that the door has heard it."""
    charger.send(request())
    await within(served.doors.arrivals.get())


async def test_a_charger_that_goes_while_it_waits_is_told_to_the_door() -> None:
    doors = FakeDoors()
    doors.gate.clear()
    async with house(doors) as served, wire(served.port) as charger:
        await waiting_charger(served, charger)
        charger.writer.write_eof()
        await within(doors.vanished.wait())
        assert await charger.rest() == b""
        assert doors.inside.empty()


async def test_a_charger_that_resets_while_it_waits_is_told_to_the_door() -> None:
    doors = FakeDoors()
    doors.gate.clear()
    async with house(doors) as served, wire(served.port) as charger:
        await waiting_charger(served, charger)
        charger.reset()
        await within(doors.vanished.wait())


async def test_who_was_admitted_too_late_is_attached_and_lost() -> None:
    doors = FakeDoors(admits_the_vanished=True)
    doors.gate.clear()
    async with house(doors) as served, wire(served.port) as charger:
        await waiting_charger(served, charger)
        charger.reset()
        events = await doors.next_inside()
        assert (await events.ending())[0] is None
        assert events.link is not None
        with pytest.raises(LinkLost):
            await events.link.send("[]")


async def test_who_goes_unseen_before_the_101_is_attached_and_lost() -> None:
    doors = FakeDoors()
    doors.gate.clear()
    async with house(doors) as served, wire(served.port) as charger:
        # Enough to make the gateway stop reading, so that only its own write finds the socket gone.
        early = frame(TEXT, b"[2]")
        charger.send(request() + early * 20)
        await within(doors.arrivals.get())
        charger.reset()
        await one_turn()
        doors.gate.set()
        events = await doors.next_inside()
        assert (await events.ending())[0] is None
        assert not doors.vanished.is_set()


async def test_what_a_charger_sends_too_early_waits_for_the_door() -> None:
    doors = FakeDoors()
    doors.gate.clear()
    async with house(doors) as served, wire(served.port) as charger:
        charger.send(request() + frame(TEXT, b"[2,1]"))
        await within(doors.arrivals.get())
        charger.send(frame(TEXT, b"[2,2]"))
        doors.gate.set()
        events = await doors.next_inside()
        assert [await events.next_text(), await events.next_text()] == ["[2,1]", "[2,2]"]


# Frames


async def test_texts_go_both_ways_as_they_are() -> None:
    odd = '[2, "0001",\t"x", {"é": 1.10, "\\ud800": "\x00"}]\n'
    async with house() as served:
        charger, events = await enter(served)
        async with charger:
            assert events.link is not None
            await charger.send([odd[:7], odd[7:]])
            await charger.send("")
            assert await events.next_text() == odd
            assert await events.next_text() == ""
            await events.link.send(odd)
            assert await within(charger.recv()) == odd


async def test_many_frames_keep_their_order() -> None:
    async with house() as served:
        charger, events = await enter(served)
        async with charger:
            for number in range(500):
                await charger.send(str(number))
            assert [await events.next_text() for _ in range(500)] == [str(number) for number in range(500)]


async def test_the_largest_frame_allowed_passes() -> None:
    async with house() as served:
        charger, events = await enter(served)
        async with charger:
            await charger.send("x" * MAX_FRAME)
            assert len(await events.next_text()) == MAX_FRAME


async def test_pings_are_answered_and_told_at_most_once_a_second() -> None:
    async with house() as served, wire(served.port) as charger:
        await charger.upgrade()
        events = await served.doors.next_inside()
        for number in range(50):
            charger.send(frame(PING, str(number).encode()))
            assert await charger.frame() == (PONG, str(number).encode())
        await within(events.alive.wait())
        # 50 round trips on loopback take well under a second; two are allowed for a machine that stalls.
        assert events.signs_of_life <= 2


async def test_a_pong_is_a_sign_of_life() -> None:
    async with house() as served:
        charger, events = await enter(served)
        async with charger:
            assert events.link is not None
            # One may stay unanswered for ever; the next goes out all the same.
            await events.link.ping()
            await events.link.ping()
            await within(events.alive.wait())
            assert events.texts.empty()


async def test_a_busy_station_stops_the_charger() -> None:
    async with house() as served, wire(served.port) as charger:
        await charger.upgrade()
        events = await served.doors.next_inside()
        events.gate.clear()
        text = frame(TEXT, b"x" * 60_000)
        fitting = await send_until_stuck(charger, text)
        assert events.texts.qsize() == 1
        assert events.endings == []
        events.gate.set()
        for _ in range(fitting):
            assert len(await events.next_text()) == 60_000


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


async def test_a_send_returns_when_the_charger_reads() -> None:
    async with house() as served, wire(served.port) as charger:
        await charger.upgrade()
        events = await served.doors.next_inside()
        assert events.link is not None
        charger.writer.transport.pause_reading()  # type: ignore[attr-defined]
        sending = asyncio.create_task(send_many(events.link, 400))
        stuck = await stuck_task(sending)
        assert stuck
        charger.writer.transport.resume_reading()  # type: ignore[attr-defined]
        for _ in range(400):
            assert (await charger.frame())[0] == TEXT
        await within(sending)


async def send_many(link: Link, count: int) -> None:
    for _ in range(count):
        await link.send("x" * 60_000)


async def stuck_task(task: asyncio.Task[None]) -> bool:
    """Turn the loop until the task cannot have anything left to do but wait."""
    for _ in range(5_000):
        await one_turn()
    return not task.done()


# Endings


async def test_the_charger_closes() -> None:
    async with house() as served:
        charger, events = await enter(served)
        await charger.close(1001, "going to sleep\n")
        assert await events.ending() == (1001, "going to sleep\ufffd")


async def test_the_charger_closes_without_a_code() -> None:
    async with house() as served, wire(served.port) as charger:
        await charger.upgrade()
        events = await served.doors.next_inside()
        charger.send(frame(CLOSE))
        assert await events.ending() == (None, "closed without a code")


async def test_what_came_before_the_end_is_told_first() -> None:
    async with house() as served, wire(served.port) as charger:
        await charger.upgrade()
        events = await served.doors.next_inside()
        events.gate.clear()
        texts = [f"[2,{number}]" for number in range(20)]
        charger.send(b"".join(frame(TEXT, text.encode()) for text in texts) + frame(CLOSE, b"\x03\xe8"))
        assert await events.next_text() == texts[0]
        events.gate.set()
        assert [await events.next_text() for _ in texts[1:]] == texts[1:]
        assert await events.ending() == (1000, "")


async def test_the_charger_hangs_up() -> None:
    async with house() as served, wire(served.port) as charger:
        await charger.upgrade()
        events = await served.doors.next_inside()
        charger.writer.write_eof()
        assert await events.ending() == (None, "the connection ended without a close frame")


async def test_the_charger_resets() -> None:
    async with house() as served, wire(served.port) as charger:
        await charger.upgrade()
        events = await served.doors.next_inside()
        charger.reset()
        assert await events.ending() == (None, "connection reset by the peer")


async def test_the_gateway_closes() -> None:
    async with house() as served:
        charger, events = await enter(served)
        assert events.link is not None
        await events.link.close(1008, "é" * 100)
        assert await events.ending() == (1008, "é" * 61)
        with pytest.raises(ConnectionClosed) as closed:
            await charger.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
        with pytest.raises(LinkLost) as lost:
            await events.link.send("[]")
        assert lost.value.code == 1008
        with pytest.raises(LinkLost):
            await events.link.ping()
        # Both are allowed at any time.
        await events.link.close(1000, "")
        events.link.abort()


async def test_a_code_that_cannot_be_sent_only_ends_the_link() -> None:
    async with house() as served:
        _charger, events = await enter(served)
        assert events.link is not None
        await events.link.close(1006, "")
        assert (await events.ending())[0] is None


async def test_what_waits_when_the_gateway_closes_is_not_told() -> None:
    async with house() as served, wire(served.port) as charger:
        await charger.upgrade()
        events = await served.doors.next_inside()
        events.gate.clear()
        charger.send(b"".join(frame(TEXT, str(number).encode()) for number in range(3)))
        assert await events.next_text() == "0"
        assert events.link is not None
        await events.link.close(1001, "another socket took over")
        events.gate.set()
        assert await events.ending() == (1001, "another socket took over")
        assert events.texts.empty()


async def test_the_gateway_drops_the_link() -> None:
    async with house() as served, wire(served.port) as charger:
        await charger.upgrade()
        events = await served.doors.next_inside()
        assert events.link is not None
        events.link.abort()
        assert await events.ending() == (None, "dropped by the gateway")
        assert await charger.rest() == b""


async def test_a_text_that_is_none_does_not_end_the_link() -> None:
    async with house() as served:
        charger, events = await enter(served)
        async with charger:
            assert events.link is not None
            with pytest.raises(UnicodeEncodeError):
                await events.link.send("\ud800")
            await events.link.send("[]")
            assert await within(charger.recv()) == "[]"


# Listeners


async def test_several_listeners_and_a_socket_of_somebody_else() -> None:
    bound = socket.create_server(("127.0.0.1", 0))
    taken = bound.getsockname()[1]
    doors = FakeDoors()
    listeners = [Listener("127.0.0.1", 0), Listener("0.0.0.0", taken, bound=bound)]
    server = ChargerServer(doors, listeners, max_frame=MAX_FRAME)
    await server.open()
    assert server.ports[1] == taken
    async with dial(server.ports[0]), dial(server.ports[1]):
        arrivals = [await within(doors.arrivals.get()) for _ in server.ports]
    assert [arrival.listener for arrival in arrivals] == [
        f"127.0.0.1:{server.ports[0]}",
        f"0.0.0.0:{taken}",
    ]
    await server.close()


async def test_a_taken_port_is_said_and_nothing_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = ChargerServer(FakeDoors(), [Listener("127.0.0.1", 0), Listener("127.0.0.1", port)], max_frame=1)
        with pytest.raises(ListenFailed, match=rf"127\.0\.0\.1:{port} .*another program listens there"):
            await server.open()
        assert server.ports == ()


async def test_an_address_of_another_machine_is_said() -> None:
    server = ChargerServer(FakeDoors(), [Listener("192.0.2.1", 0)], max_frame=1)
    with pytest.raises(ListenFailed, match="no address of this machine"):
        await server.open()


# The end


async def test_closing_tells_the_chargers_and_leaves_nobody_waiting() -> None:
    doors = FakeDoors()
    async with house(doors) as served, wire(served.port) as silent, wire(served.port) as asking:
        charger, events = await enter(served)
        doors.gate.clear()
        await within(doors.arrivals.get())
        await waiting_charger(served, asking)
        await within(served.server.close())
        assert await events.ending() == (1012, "the gateway restarts")
        await within(doors.vanished.wait())
        assert await silent.rest() == b""
        assert await asking.rest() == b""
        with pytest.raises(ConnectionClosed) as closed:
            await charger.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", served.port)


async def test_closing_does_not_wait_for_a_station_that_takes_no_frame() -> None:
    async with house() as served:
        charger, events = await enter(served)
        events.gate.clear()
        await charger.send("[]")
        await events.next_text()
        await within(served.server.close(1001, "bye"))
        assert await events.ending() == (1001, "bye")


async def test_closing_does_not_wait_for_a_charger_that_does_not_read() -> None:
    async with house() as served, wire(served.port) as charger:
        await charger.upgrade()
        events = await served.doors.next_inside()
        assert events.link is not None
        charger.writer.transport.pause_reading()  # type: ignore[attr-defined]
        sending = asyncio.create_task(send_many(events.link, 400))
        assert await stuck_task(sending)
        await within(served.server.close())
        with pytest.raises(LinkLost):
            await sending
