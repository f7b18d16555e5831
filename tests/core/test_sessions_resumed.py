"""`gateway.core.sessions`: a session that was given up too early goes on as another one, and nothing counts twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.core.sessions import FORGOTTEN_AFTER_S
from tests.core.charging import EPOCH, Charging, value


def glitch(charging: Charging, condition: str = "available", seconds: float = 400) -> None:
    """A session of transaction 7 takes 500 Wh in ten minutes; then the charger says for too long that it is over."""
    charging.begin(7, meter_wh=1000)
    charging.wait(600)
    charging.meter(value(1500, 3000.0, at=charging.told()), transaction_id=7)
    charging.status(condition)
    charging.wait(seconds)


def test_a_glitch_in_a_session_that_goes_on() -> None:
    charging = Charging()
    glitch(charging)
    dead = charging.last()
    assert (charging.kinds(), dead.stop_reason, dead.energy.energy_wh) == (["started", "ended"], "unknown", 500)
    charging.status("charging", visit=8)
    charging.wait(20)
    charging.meter(value(1600, 3000.0), transaction_id=7)
    resumed = charging.open()
    assert (charging.kinds()[2:], charging.notes["session_resumed"]) == (["started"], 1)
    assert resumed.number > dead.number
    assert (resumed.transaction_id, resumed.id_tag, resumed.visit, resumed.started) == (7, "****4F2A", 8, dead.ended)
    assert (resumed.energy.start_wh, resumed.energy.energy_wh, resumed.start_delivered) == (1500, 100, True)
    assert charging.states[1].record == resumed
    for minute in range(60):
        charging.wait(60)
        charging.meter(value(1700 + 100 * minute, 3000.0), transaction_id=7)
    assert charging.open().energy.energy_wh == 6100
    charging.wait(10)
    charging.stop(7, 8000)
    ended = charging.last()
    assert (charging.kinds(), ended.number) == (["started", "ended", "started", "ended"], resumed.number)
    assert (ended.energy.energy_wh, ended.energy.estimated, ended.stop_reason) == (6500, False, "Local")
    assert ended.duration_s + dead.duration_s == (charging.now.wall - EPOCH).total_seconds()
    assert (ended.charging_s, dead.charging_s) == (3610.0, 600.0)
    assert [phase.name for phase in ended.phases] == ["unknown", "charging"]


def test_its_end_is_told_once() -> None:
    charging = Charging()
    glitch(charging)
    charging.status("charging")
    charging.meter(value(1600), transaction_id=7)
    charging.stop(7, 1700)
    charging.status("finishing")
    charging.wait(10)
    charging.stop(-1, 1700, at=EPOCH + timedelta(seconds=600))
    charging.stop(7, 1700)
    assert charging.kinds() == ["started", "ended", "started", "ended"]


@pytest.mark.parametrize("when", ["before", "while"])
def test_over_a_restart_of_the_gateway(when: str) -> None:
    charging = Charging()
    glitch(charging)
    if when == "before":
        charging.restart(5)
    charging.status("charging")
    charging.meter(value(1600), transaction_id=7)
    if when == "while":
        charging.restart(5)
    charging.status("charging")
    charging.wait(60)
    charging.meter(value(1700), transaction_id=7)
    assert charging.open().energy.energy_wh == 200
    charging.stop(7, 1800)
    assert (charging.kinds(), charging.last().energy.energy_wh) == (["started", "ended", "started", "ended"], 300)
    charging.wait(5)
    charging.stop(-1, 1800, at=EPOCH + timedelta(seconds=600))
    assert charging.kinds() == ["started", "ended", "started", "ended"]


def test_a_second_glitch() -> None:
    charging = Charging()
    glitch(charging)
    charging.status("charging")
    charging.meter(value(1600), transaction_id=7)
    charging.status("preparing")
    charging.wait(FORGOTTEN_AFTER_S)
    charging.status("charging")
    charging.meter(value(1900), transaction_id=7)
    charging.stop(7, 2000)
    ended = [event.record.energy.energy_wh for event in charging.events if event.kind == "ended"]
    assert ended == [500, 100, 400]
    assert charging.notes["session_resumed"] == 2


def test_without_any_reading_before_all_is_counted_after() -> None:
    charging = Charging()
    charging.begin(7)
    charging.wait(600)
    charging.status("available")
    charging.wait(FORGOTTEN_AFTER_S)
    charging.status("charging")
    charging.meter(value(1600), transaction_id=7)
    charging.stop(7, 2000)
    ended = [event.record.energy for event in charging.events if event.kind == "ended"]
    assert [(energy.energy_wh, energy.estimated) for energy in ended] == [(None, True), (1000, False)]


def test_readings_alone_do_not_make_it_go_on() -> None:
    charging = Charging()
    glitch(charging)
    charging.meter(value(1500), transaction_id=7)
    charging.status("preparing")
    charging.meter(value(1600), transaction_id=7)
    charging.status("charging")
    charging.meter(value(1400, at=EPOCH + timedelta(seconds=300)), transaction_id=7)
    charging.meter(value(1400), transaction_id=None)
    assert charging.kinds() == ["started", "ended"]


def test_nor_do_those_of_a_session_whose_end_was_told() -> None:
    charging = Charging()
    glitch(charging)
    charging.stop(7, 1500)
    charging.status("charging")
    charging.meter(value(1600), transaction_id=7)
    assert charging.kinds() == ["started", "ended", "corrected"]


def test_the_true_end_still_corrects_one_that_did_not_go_on() -> None:
    charging = Charging()
    glitch(charging)
    charging.status("charging")
    charging.stop(7, 1550, at=EPOCH + timedelta(seconds=610))
    assert (charging.kinds()[-1], charging.last().energy.energy_wh) == ("corrected", 550)
