"""The link to upstream: nothing is read early, and how its end is told."""

from __future__ import annotations

import asyncio

import pytest
from websockets.utils import accept_key

from gateway.runtime.ports import LinkLost
from tests.adapters.csms_house import MAX_FRAME, csms, dial, peer
from tests.fakes.doors import FakeEvents, within
from tests.turns import one_turn


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
