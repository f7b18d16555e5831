"""Peers that stop reading: TCP windows full, calls open in both directions, and everybody else is served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.sim import RECEIVED, SILENT, CallResult, Disconnected, SimCharger, SimCsms, decode, encode
from tests.support.site import Site, memory_kib, site, within

REFRESH_WITHIN_S = 15.0
"""The gateway asks for missing statuses 10 s after the connection."""

STUCK_WITHIN_S = 30.0
"""The gateway drops a leg whose write waits for 10 s."""

PROMPT_S = 3.0
"""For a call of a station beside the stuck one: far below the 10 s that a stuck write may take."""

SMALL_WINDOW = 4096
FILLER = "x" * 65_536
FLOOD = "x" * 1_000_000
MOST_GROWTH_KIB = 64 * 1024
"""Both kernels' buffers are not counted; the gateway may hold 8 MiB for a leg."""


def _unsent_bytes(pid: int, port: int, *, local: bool) -> int:
    """What the kernel still holds for the peer on this port (`local`: for those who dialled it)."""
    total = 0
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        here, there, state, queues = line.split()[1:5]
        if state == "01" and int((here if local else there).split(":")[1], 16) == port:
            total += int(queues.split(":")[0], 16)
    return total


@asynccontextmanager
async def _neighbour(here: Site) -> AsyncIterator[None]:
    """A station that calls and is called all the time, and is answered promptly each time."""
    stop = asyncio.Event()

    async def talk(charger: SimCharger) -> int:
        rounds = 0
        while not stop.is_set():
            async with asyncio.timeout(PROMPT_S):
                await charger.heartbeat()
                await here.upstream("BESIDE").call("GetLocalListVersion")
            rounds += 1
            try:
                # No hurry: the test is about the others.
                async with asyncio.timeout(0.05):
                    await stop.wait()
            except TimeoutError:
                continue
        return rounds

    async with here.charger("BESIDE") as charger:
        talking = asyncio.create_task(talk(charger))
        try:
            yield
        finally:
            stop.set()
            rounds = await talking
        assert rounds > 20


async def _fill_up_leg(here: Site, charger: SimCharger) -> None:
    """DataTransfers until the kernel takes no more for this upstream, and few wait in the gateway."""
    unsent, steady, count = -1, 0, 0
    while steady < 3:
        count += 1
        await charger.link.start_call("DataTransfer", {"vendorId": "filler", "data": FILLER})
        await here.daemon.logged("DataTransfer from charger relayed", times=count)
        now = _unsent_bytes(here.daemon.pid, here.csms.port, local=False)
        steady = steady + 1 if now == unsent else 0
        unsent = now
    assert unsent > 100_000


async def test_an_upstream_that_stops_reading_while_calls_are_open_in_both_directions(tmp_path: Path) -> None:
    async with site(tmp_path, csms=SimCsms(receive_buffer_bytes=SMALL_WINDOW)) as here, _neighbour(here):
        charger = here.charger("STUCK-1")
        charger.answer("TriggerMessage", SILENT)
        await charger.connect()
        upstream = here.upstream("STUCK-1")
        before = memory_kib(here.daemon.pid, "VmHWM")
        await charger.ledger.wait_until(lambda: "TriggerMessage" in str(charger.ledger.received), REFRESH_WITHIN_S)

        # 100 calls of the charger wait for upstream, the gateway's call for the charger.
        upstream.hold_answers()
        calls = [await charger.link.start_call("MeterValues", {"connectorId": 1, "n": n}) for n in range(100)]
        await upstream.ledger.wait_received(100)
        assert await within(upstream.call("GetLocalListVersion"), PROMPT_S) == {"listVersion": 0}
        upstream.release_answers()
        await within(asyncio.gather(*calls), PROMPT_S)

        # Now upstream reads nothing any more, and 100 more calls come.
        upstream.stop_reading()
        await _fill_up_leg(here, charger)
        seen = upstream.ledger.received_count
        stuck = [await charger.link.start_call("MeterValues", {"connectorId": 1, "n": n}) for n in range(100)]
        answers = [await upstream.link.start_call("GetLocalListVersion", message_id=f"late-{n}") for n in range(5)]
        await charger.ledger.wait_until(lambda: "late-4" in charger.ledger.received[-1], PROMPT_S)
        own = next(decode(text) for text in charger.ledger.received if "TriggerMessage" in text)
        assert own is not None
        await charger.send_raw(encode(CallResult(own.message_id, {"status": "Accepted"})))
        await here.daemon.logged("STUCK-1: charger answered the gateway's own TriggerMessage", PROMPT_S)
        assert charger.connected
        assert upstream.ledger.received_count == seen

        # The leg is dropped after 10 s, and the charger with it; timers have run meanwhile.
        line = await here.daemon.logged("STUCK-1: upstream disconnected", STUCK_WITHIN_S)
        assert "a write waited 10 s: the peer does not read" in line
        assert " WARNING " in line
        await charger.wait_closed()
        assert charger.link.socket.pings_received >= 1
        for unanswered in stuck:
            with pytest.raises(Disconnected):
                await unanswered
        upstream.resume_reading()
        await upstream.wait_closed()
        assert not any(answer.done() and answer.exception() is None for answer in answers)
        assert str(own.message_id) not in "".join(upstream.ledger.received)
        assert memory_kib(here.daemon.pid, "VmHWM") - before < MOST_GROWTH_KIB


async def _flood_until_closed(charger: SimCharger) -> int:
    """Write calls of 1 MB as fast as the gateway takes them; how many, until it closes."""
    count = 0
    while True:
        count += 1
        try:
            await charger.link.start_call("DataTransfer", {"vendorId": "flood", "data": FLOOD})
        except Disconnected:
            return count


async def test_floods_towards_peers_that_do_not_read_are_stopped_at_their_source(tmp_path: Path) -> None:
    async with site(tmp_path, csms=SimCsms(receive_buffer_bytes=SMALL_WINDOW)) as here, _neighbour(here):
        up, down = here.charger("FLOOD-UP"), here.charger("FLOOD-DOWN", receive_buffer_bytes=SMALL_WINDOW)
        await up.connect()
        await down.connect()
        here.upstream("FLOOD-UP").stop_reading()
        down.link.stop_reading()
        before = memory_kib(here.daemon.pid, "VmHWM")

        async def flood_down() -> int:
            count = 0
            while True:
                count += 1
                try:
                    await here.upstream("FLOOD-DOWN").link.start_call("DataTransfer", {"data": FLOOD})
                except Disconnected:
                    return count

        written_up, written_down = await within(asyncio.gather(_flood_until_closed(up), flood_down()), STUCK_WITHIN_S)
        assert written_up < 60
        assert written_down < 60
        line = await here.daemon.logged("FLOOD-UP: upstream disconnected")
        assert "a write waited 10 s: the peer does not read" in line
        line = await here.daemon.logged("FLOOD-DOWN: charger disconnected")
        assert "a write waited 10 s: the peer does not read" in line
        down.link.resume_reading()
        here.upstream("FLOOD-UP").resume_reading()
        growth = memory_kib(here.daemon.pid, "VmHWM") - before
        print(f"\nwritten {written_up} MB up, {written_down} MB down; the gateway grew by {growth // 1024} MiB")
        assert growth < MOST_GROWTH_KIB
        assert here.upstream("FLOOD-UP").ledger.tallies[RECEIVED].count < written_up
        async with here.charger("FLOOD-UP") as again:
            await here.call_both_ways(again)
