"""Peers that stop reading: TCP windows full, calls open in both directions, and everybody else is served."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.sim import SILENT, CallResult, Disconnected, Link, SimCharger, SimCsms, decode, encode
from tests.adapters.wire import wire
from tests.support.impatient import IMPATIENT
from tests.support.site import PROMPT_S, Site, memory_kib, served_beside, site, within

REFRESH_WITHIN_S = 15.0
"""The gateway asks for missing statuses 10 s after the connection, in its impatient form."""

STUCK_WITHIN_S = 30.0
"""The gateway drops a leg whose write waits for 10 s."""

IDLE_WITHIN_S = 45.0

SMALL_WINDOW = 4096
FILLER = "x" * 65_536
MANY_BYTES = 100_000
ESTABLISHED = "01"
FLOOD = "x" * 1_000_000
MOST_FLOODED = 60
MOST_GROWTH_KIB = 64 * 1024
"""Both kernels' buffers are not counted; the gateway may hold 8 MiB for a leg."""


def _unsent_bytes(pid: int, port: int) -> int:
    """What the kernel still holds of what the process has written to its socket on this local port."""
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        here, _, state, queues = line.split()[1:5]
        if state == ESTABLISHED and int(here.split(":")[1], 16) == port:
            return int(queues.split(":")[0], 16)
    return 0


async def _fill_up_leg(here: Site, charger: SimCharger) -> None:
    """DataTransfers until the kernel takes no more for this upstream, and few wait in the gateway."""
    port = here.upstream(charger.identity).link.socket.remote_address[1]
    unsent, steady, count = -1, 0, 0
    while steady < 3:
        count += 1
        await charger.link.start_call("DataTransfer", {"vendorId": "filler", "data": FILLER})
        await here.daemon.logged(f"{charger.identity}: DataTransfer from charger relayed", times=count)
        now = _unsent_bytes(here.daemon.pid, port)
        steady = steady + 1 if now == unsent else 0
        unsent = now
    assert unsent > MANY_BYTES


async def test_peers_that_stop_reading_or_vanish_hold_up_nobody(tmp_path: Path) -> None:
    """All at the same time, because most of it is waiting for limits of 10 to 30 s."""
    csms = SimCsms(receive_buffer_bytes=SMALL_WINDOW, interval_s=10)
    async with site(tmp_path, csms=csms, idle_limit="30s", module=IMPATIENT) as here, served_beside(here):
        before = memory_kib(here.daemon.pid, "VmHWM")
        async with asyncio.TaskGroup() as group:
            group.create_task(_upstream_stops_reading_while_calls_are_open(here))
            group.create_task(_floods_are_stopped_at_their_source(here))
            group.create_task(_half_open_connections_end(here))
        growth = memory_kib(here.daemon.pid, "VmHWM") - before
        print(f"\nthe gateway grew by {growth // 1024} MiB at most")
        assert growth < MOST_GROWTH_KIB
        assert not any("please report" in line for line in here.daemon.lines)


async def _upstream_stops_reading_while_calls_are_open(here: Site) -> None:
    charger = here.charger("STUCK")
    charger.answer("TriggerMessage", SILENT)
    await charger.connect()
    upstream = here.upstream("STUCK")
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
    await here.daemon.logged("STUCK: charger answered the gateway's own TriggerMessage", PROMPT_S)
    assert charger.connected
    assert upstream.ledger.received_count == seen

    # The leg is dropped after 10 s, and the charger with it; timers have run meanwhile.
    line = await here.daemon.logged("STUCK: upstream disconnected", STUCK_WITHIN_S)
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


async def _floods_are_stopped_at_their_source(here: Site) -> None:
    up, down = here.charger("FLOOD-UP"), here.charger("FLOOD-DOWN", receive_buffer_bytes=SMALL_WINDOW)
    await up.connect()
    await down.connect()
    here.upstream("FLOOD-UP").stop_reading()
    down.link.stop_reading()
    floods = asyncio.gather(_flood_until_closed(up.link), _flood_until_closed(here.upstream("FLOOD-DOWN").link))
    written_up, written_down = await within(floods, STUCK_WITHIN_S)
    print(f"\nwritten until the gateway read no more: {written_up} MB up, {written_down} MB down")
    assert written_up < MOST_FLOODED
    assert written_down < MOST_FLOODED
    for line in ("FLOOD-UP: upstream disconnected", "FLOOD-DOWN: charger disconnected"):
        assert "a write waited 10 s: the peer does not read" in await here.daemon.logged(line)
    down.link.resume_reading()
    here.upstream("FLOOD-UP").resume_reading()
    await here.upstream("FLOOD-UP").wait_closed()
    assert here.upstream("FLOOD-UP").ledger.received_count < written_up
    async with here.charger("FLOOD-UP") as again:
        await here.call_both_ways(again)


async def _flood_until_closed(link: Link) -> int:
    """Write calls of 1 MB as fast as the gateway takes them; how many, until it closes."""
    count = 0
    while True:
        count += 1
        try:
            await link.start_call("DataTransfer", {"vendorId": "flood", "data": FLOOD})
        except Disconnected:
            return count


async def _half_open_connections_end(here: Site) -> None:
    """Whoever does not even answer pings is gone, on either leg; and so is who never says who he is."""
    async with wire(here.port) as silent:
        gone = here.charger("GONE")
        gone.answers_pings = False
        gone.answer("TriggerMessage", SILENT)
        here.upstream("LEFT-ALONE").answers_pings = False
        alone = here.charger("LEFT-ALONE")
        alone.answer("TriggerMessage", SILENT)
        await gone.connect()
        await alone.connect()
        # Only of a charger whose heartbeat interval is known silence means something.
        await gone.boot()
        assert await silent.rest() == b""
        await here.daemon.logged("connected and sent nothing for 10 s")
        line = await here.daemon.logged("GONE: nothing heard from charger for 30 s, closing both legs", IDLE_WITHIN_S)
        assert " WARNING " in line
        await here.upstream("GONE").wait_closed()
        await here.daemon.logged("LEFT-ALONE: nothing heard from upstream for 30 s, closing both legs", IDLE_WITHIN_S)
        assert await alone.wait_closed() == (1001, "idle")
        await gone.abort()
