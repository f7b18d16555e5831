"""A daemon that crashes or hangs is back by itself."""

from __future__ import annotations

import time

import pytest

from tests.boot import evgate
from tests.boot.machine import Machine

BACK_WITHIN_S = 5.0
"""After a crash: RestartSec, and a start."""

SLACK_S = 5.0
"""What a hang may last beyond WatchdogSec."""


@pytest.fixture(scope="module", autouse=True)
def _site(machine: Machine) -> None:
    evgate.start_anew(machine, "")


def test_a_crash_is_recovered(machine: Machine, figure: evgate.Figure) -> None:
    assert _recovery_s(machine, "KILL", BACK_WITHIN_S + evgate.WITHIN_S, figure) < BACK_WITHIN_S


def test_a_hang_is_recovered(machine: Machine, figure: evgate.Figure) -> None:
    watchdog_s = int(evgate.shown(machine, "WatchdogUSec").removesuffix("s"))
    limit_s = watchdog_s + SLACK_S
    figure(f"WatchdogSec={watchdog_s}")
    assert _recovery_s(machine, "STOP", limit_s + evgate.WITHIN_S, figure) < limit_s


def _recovery_s(machine: Machine, signal: str, within_s: float, figure: evgate.Figure) -> float:
    """Seconds from a signal to the main process until another one is ready."""
    pid, place, begin = evgate.main_pid(machine), evgate.now(machine), time.monotonic()
    machine.run(f"kill -{signal} {pid}")
    evgate.wait_logged(machine, place, evgate.STARTED, within_s)
    took_s = time.monotonic() - begin
    figure(f"ready again after {took_s:.1f} s")
    assert evgate.main_pid(machine) != pid
    assert evgate.shown(machine, "ActiveState") == "active"
    return took_s
