"""One charger that talks without end: the others are answered promptly, and the log stays short."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gateway.sim import SimCharger
from tests.adapters.wire import PING, TEXT, frame, wire
from tests.support.site import site, within

ROUNDS = 100
MOST_LINES = 200
WORST_S = 1.5
"""Far above what a neighbour waits here (0.1 s), far below what it waited when one peer could hold the loop (3 s)."""

UNASKED = frame(TEXT, b'[3,"n",{}]')


@pytest.mark.parametrize("flood", [frame(PING) * 20_000, UNASKED * 10_000], ids=["pings", "answers nobody asked for"])
async def test_a_flood_keeps_nobody_else_waiting(tmp_path: Path, flood: bytes) -> None:
    async with site(tmp_path, level="info") as here:
        neighbour = here.charger("CALM")
        await neighbour.connect()
        worst = 0.0
        async with wire(here.port) as talker:
            await talker.upgrade()
            talker.send(flood)
            for _ in range(ROUNDS):
                asked = time.monotonic()
                await within(neighbour.heartbeat())
                worst = max(worst, time.monotonic() - asked)
        assert worst < WORST_S
        async with SimCharger(here.daemon.chargers_url(), "CP1") as again:
            await within(again.heartbeat())
        assert len(here.daemon.lines) < MOST_LINES
        await neighbour.close()
