"""Restarts refuse no connection, and end live sessions so that chargers come back at once."""

from __future__ import annotations

import time

from tests import counts
from tests.boot import evgate
from tests.boot.crowd import Crowd
from tests.boot.machine import Machine

WITHIN_S = 60.0

SERVICE_RESTART = 1012
"""WebSocket close code (IANA registry): the server restarts, come again."""


def test_ten_restarts_in_a_minute_refuse_nobody(machine: Machine, csms: None, figure: evgate.Figure) -> None:
    evgate.start_anew(machine, f'[chargers]\nunknown = "accept"\n{evgate.UPSTREAM}')
    with Crowd(machine, counts.BOOT_CROWD) as crowd:
        crowd.wait_for_all()
        begin = time.monotonic()
        for _ in range(counts.BOOT_RESTARTS):
            machine.run("systemctl restart evgate")
            crowd.wait_for_all()
        took_s = time.monotonic() - begin
        ends = crowd.ends()
    figure(f"{counts.BOOT_RESTARTS} restarts in {took_s:.0f} s, {counts.BOOT_CROWD} chargers: {ends}")
    assert took_s < WITHIN_S
    assert ends.pop(f"closed {SERVICE_RESTART}") == counts.BOOT_CROWD * counts.BOOT_RESTARTS
    # Whoever comes while the gateway starts may be told to come again; nobody finds the port closed.
    assert set(ends) <= {"HTTP 503"}, ends
