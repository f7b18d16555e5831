"""The link to a charger: frames both ways, back-pressure, and how its end is told."""

from __future__ import annotations

import asyncio
import gc

import pytest
from websockets.exceptions import ConnectionClosed

from gateway.runtime.ports import LinkLost
from tests.adapters.charger_house import MAX_FRAME, enter, house, send_many, send_until_stuck, stuck_task
from tests.adapters.wire import CLOSE, PING, PONG, TEXT, frame, wire
from tests.fakes.doors import within

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
        # 50 round trips on loopback take well under a second, unless the machine stalls.
        assert events.signs_of_life < 10


async def test_of_pings_that_come_together_the_last_is_answered() -> None:
    async with house() as served, wire(served.port) as charger:
        await charger.upgrade()
        pings = 20_000
        charger.send(b"".join(frame(PING, str(number).encode()) for number in range(pings)))
        answers = 1
        while await charger.frame() != (PONG, str(pings - 1).encode()):
            answers += 1
        assert answers < pings / 10


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


async def test_pings_that_are_never_answered_do_not_pile_up() -> None:
    async with house() as served, wire(served.port) as charger:
        await charger.upgrade()
        events = await served.doors.next_inside()
        assert events.link is not None
        for _ in range(300):
            await events.link.ping()
            assert (await charger.frame())[0] == PING
        # By type, because instances of some libraries cannot be asked once they are gone.
        waiting = [thing for thing in gc.get_objects() if type(thing) is asyncio.Future]
        assert len(waiting) < 200


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
