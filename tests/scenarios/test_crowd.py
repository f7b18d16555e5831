"""200 chargers on one process: every frame arrives once and in order, judged by hash at both ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.sim import SimCharger, SimCsms
from tests.counts import CROWD, CROWD_CALLS, PATIENCE_S
from tests.support.site import Site, cpu_s, memory_kib, site, within

MOST_MEMORY_KIB = 200 * 1024
"""A fifth of the smallest Pi that evgate is meant for; what 200 chargers really take is printed."""


WHOLE_CROWD_S = 50.0

AT_THE_DOOR = 16
"""Chargers that dial at a time: a verdict later than 3 s is a 503, and the simulator shares the cores."""


async def _come_in(charger: SimCharger, door: asyncio.Semaphore) -> None:
    async with door:
        await charger.connect(timeout_s=PATIENCE_S)
        # All its statuses, so that the gateway has nothing to ask for.
        await charger.statuses()


async def _talk(here: Site, charger: SimCharger) -> None:
    """Calls in both directions, several open at once in each; one by one would only measure the simulator."""
    upstream = here.upstream(charger.identity)
    calls = [("MeterValues", {"connectorId": 1, "meterValue": [], "n": number}) for number in range(CROWD_CALLS)]
    commands = [
        await upstream.link.start_call("DataTransfer", {"vendorId": "crowd", "data": f"{charger.identity}-{number}"})
        for number in range(CROWD_CALLS // 2)
    ]
    answers, _ = await asyncio.gather(charger.pipeline(calls), asyncio.gather(*commands))
    assert answers == [{}] * CROWD_CALLS


async def test_every_frame_of_200_chargers_arrives_once_and_in_order(tmp_path: Path) -> None:
    async with site(tmp_path, level="info", csms=SimCsms(keep_frames=False)) as here:
        chargers = [here.charger(f"CROWD-{number:03}", ledger=None) for number in range(CROWD)]
        for charger in chargers:
            charger.ledger.keep = False
        before = cpu_s(here.daemon.pid)
        door = asyncio.Semaphore(AT_THE_DOOR)
        await within(asyncio.gather(*(_come_in(charger, door) for charger in chargers)), WHOLE_CROWD_S)
        await within(asyncio.gather(*(_talk(here, charger) for charger in chargers)), WHOLE_CROWD_S)
        used, rss = cpu_s(here.daemon.pid) - before, memory_kib(here.daemon.pid)
        frames = 0
        for charger in chargers:
            upstream = here.csms.ledger(charger.identity)
            assert (upstream.received_count, upstream.received_digest) == (
                charger.ledger.sent_count,
                charger.ledger.sent_digest,
            )
            assert (upstream.sent_count, upstream.sent_digest) == (
                charger.ledger.received_count,
                charger.ledger.received_digest,
            )
            frames += upstream.received_count + upstream.sent_count
        assert frames == CROWD * 2 * (3 + CROWD_CALLS + CROWD_CALLS // 2)
        print(f"\n{CROWD} chargers, {frames} frames: {used:.2f} CPU seconds, {rss // 1024} MiB RSS")
        assert rss < MOST_MEMORY_KIB
        await asyncio.gather(*(charger.close() for charger in chargers))
