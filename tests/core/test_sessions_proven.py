"""`gateway.core.sessions`: an end that nobody told was not after the last proof that the session went on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.core.sessions import FORGOTTEN_AFTER_S
from tests.core.charging import EPOCH, Charging, value


@pytest.mark.parametrize("silent", ["unavailable", "faulted", "occupied", "unknown"])
@pytest.mark.parametrize("restart", [False, True])
def test_its_end_was_not_after_the_last_proof_of_it(silent: str, restart: bool) -> None:
    charging = Charging()
    charging.begin(7)
    charging.wait(600)
    proven = charging.now.wall
    charging.status(silent)
    charging.wait(86_400)
    if restart:
        charging.restart(10)
    charging.status("available")
    charging.wait(FORGOTTEN_AFTER_S)
    record = charging.last()
    assert (record.ended, record.stop_reason, record.duration_s) == (proven, "unknown", 600)
    assert [(phase.name, phase.seconds) for phase in record.phases if phase.seconds] == [("charging", 600.0)]


@pytest.mark.parametrize(("behind_s", "proven_s"), [(0, 1200), (500, 700), (3600, 600)])
def test_readings_that_quote_it_are_proof_of_when_they_were_taken(behind_s: float, proven_s: float) -> None:
    charging = Charging()
    charging.begin(7)
    charging.wait(600)
    charging.status("faulted")
    charging.wait(600)
    charging.meter(value(1000, at=charging.ago(behind_s)), transaction_id=7)
    charging.meter(value(1000), transaction_id=None)
    charging.wait(600)
    charging.meter(value(1000), transaction_id=None)
    charging.status("finishing")
    charging.wait(FORGOTTEN_AFTER_S)
    assert charging.last().ended == EPOCH + timedelta(seconds=proven_s)


def test_while_the_charger_was_away_nothing_was_proven() -> None:
    charging = Charging()
    charging.begin(7)
    charging.wait(600)
    charging.leave()
    left = charging.now.wall
    charging.wait(7 * 86_400)
    charging.status("available")
    charging.wait(FORGOTTEN_AFTER_S)
    assert (charging.last().ended, charging.last().charging_s, charging.last().duration_s) == (left, 600.0, 600)


def test_another_that_begins_where_it_faulted() -> None:
    charging = Charging()
    charging.begin(7)
    charging.wait(600)
    faulted = charging.now.wall
    charging.status("faulted")
    charging.wait(3600)
    charging.start(meter_wh=5000)
    assert charging.events[1].record.ended == faulted
    charging.wait(60)
    charging.status("charging")
    charging.wait(60)
    started = charging.now.wall
    charging.start(meter_wh=6000)
    assert charging.events[3].record.ended == started
