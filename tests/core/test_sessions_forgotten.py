"""`gateway.core.sessions`: what the charger forgot, what a boot interrupted, what a restart of the gateway keeps."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.memory import SessionRecord
from gateway.core.reports import TransactionStarted
from gateway.core.sessions import FORGOTTEN_AFTER_S, RESUMED_WITHIN_S, Place
from tests.core.charging import EPOCH, Charging, value


@pytest.mark.parametrize("condition", ["available", "preparing", "reserved", "finishing"])
def test_a_session_that_the_charger_forgot(condition: str) -> None:
    charging = Charging()
    charging.begin(7)
    charging.wait(60)
    charging.meter(value(1400), transaction_id=7)
    forgotten_at = charging.now.wall
    charging.status(condition)
    charging.wait(100)
    charging.status(condition)
    charging.wait(FORGOTTEN_AFTER_S - 101)
    assert charging.kinds() == ["started"]
    charging.wait(1)
    record = charging.last()
    assert charging.kinds() == ["started", "ended"]
    assert (record.ended, record.stop_reason) == (forgotten_at, "unknown")
    assert (record.energy.energy_wh, record.energy.estimated) == (400, True)
    assert (record.charging_s, charging.events[-1].duration_s) == (60.0, 60)
    assert [(phase.name, phase.seconds) for phase in record.phases] == [("preparing", 0.0), ("charging", 60.0)]


def test_the_end_that_the_status_overtook() -> None:
    charging = Charging()
    charging.begin(7)
    charging.wait(60)
    ended = charging.now.wall
    charging.status("finishing")
    charging.wait(2)
    charging.stop(7, at=ended)
    assert charging.timers == {}
    assert (charging.last().ended, charging.last().charging_s) == (ended, 60.0)
    assert [phase.name for phase in charging.last().phases] == ["preparing", "charging"]


@pytest.mark.parametrize("condition", ["charging", "suspended_evse", "faulted", "unavailable", "unknown", "occupied"])
def test_it_was_not_forgotten_after_all(condition: str) -> None:
    charging = Charging()
    charging.begin(7)
    charging.status("available")
    charging.wait(FORGOTTEN_AFTER_S - 1)
    charging.status(condition)
    assert charging.timers == {}
    charging.wait(FORGOTTEN_AFTER_S * 3)
    assert charging.open().transaction_id == 7


@pytest.mark.parametrize("restart", [False, True])
def test_the_true_end_of_a_session_that_was_given_up(restart: bool) -> None:
    charging = Charging()
    charging.begin(7)
    charging.wait(60)
    charging.meter(value(1400), transaction_id=7)
    charging.status("available")
    gone = charging.now.wall
    charging.wait(FORGOTTEN_AFTER_S)
    if restart:
        charging.restart()
    charging.stop(7, 1500, at=gone + timedelta(seconds=30), reason="PowerLoss")
    record = charging.last()
    assert charging.kinds() == ["started", "ended", "corrected"]
    assert (record.ended, record.stop_reason, record.revision) == (gone + timedelta(seconds=30), "PowerLoss", 2)
    assert (record.energy.energy_wh, record.ended_late, charging.events[-1].duration_s) == (500, True, 90)
    assert record.energy.estimated is restart
    charging.stop(7, 1500, at=gone + timedelta(seconds=31))
    assert charging.kinds() == ["started", "ended", "corrected"]


def test_a_true_end_before_the_estimated_one() -> None:
    charging = Charging()
    charging.begin(7)
    charging.wait(60)
    charging.status("available")
    charging.wait(FORGOTTEN_AFTER_S)
    charging.stop(-1, 1500, at=EPOCH + timedelta(seconds=45))
    record = charging.last()
    assert (record.ended, record.charging_s) == (EPOCH + timedelta(seconds=45), 45.0)
    assert charging.events[-1].duration_s == 45


def test_a_true_end_that_tells_no_time_leaves_the_estimated_one() -> None:
    charging = Charging()
    charging.begin(7)
    charging.wait(60)
    charging.status("available")
    gone = charging.now.wall
    charging.wait(FORGOTTEN_AFTER_S)
    charging.stop(7, 1500, timed=False, reason="Remote")
    record = charging.last()
    assert (record.ended, record.stop_reason, charging.events[-1].duration_s) == (gone, "Remote", 60)


def test_a_charger_that_calls_an_end_unknown_ends_it_once() -> None:
    charging = Charging()
    charging.begin(7)
    charging.stop(7, reason="unknown")
    charging.wait(1)
    charging.stop(7, reason="unknown")
    assert charging.kinds() == ["started", "ended"]


def test_a_new_start_ends_the_forgotten_one_when_it_was_forgotten() -> None:
    charging = Charging()
    charging.begin(7)
    charging.wait(60)
    forgotten_at = charging.now.wall
    charging.status("preparing")
    charging.wait(20)
    charging.start(meter_wh=1600)
    assert charging.kinds() == ["started", "ended", "started"]
    assert charging.events[1].record.ended == forgotten_at
    assert charging.timers == {}


def test_a_charger_stuck_in_preparing_while_it_charges() -> None:
    charging = Charging()
    charging.status("preparing")
    charging.number(charging.start(), 7)
    charging.wait(5)
    charging.status("preparing")
    assert charging.timers == {}
    charging.status("reserved")
    for minute in range(1, 20):
        charging.wait(60)
        charging.meter(value(1000 + 100 * minute), transaction_id=7)
    assert charging.open().transaction_id == 7
    grew = charging.now.wall
    charging.wait(FORGOTTEN_AFTER_S)
    assert (charging.last().ended, charging.last().stop_reason) == (grew, "unknown")


def test_a_session_that_is_resumed_after_a_boot() -> None:
    charging = Charging()
    charging.begin(7)
    charging.boot()
    charging.wait(30)
    charging.status("charging")
    charging.wait(RESUMED_WITHIN_S * 2)
    assert charging.open().transaction_id == 7


def test_a_session_whose_readings_go_on_after_a_boot() -> None:
    charging = Charging()
    charging.begin(7)
    charging.boot()
    charging.wait(30)
    charging.meter(value(1100), transaction_id=7)
    assert charging.timers == {}


def test_idle_readings_after_a_boot_resume_nothing() -> None:
    charging = Charging()
    charging.begin(7)
    charging.wait(60)
    booted = charging.now.wall
    charging.boot()
    charging.wait(10)
    charging.boot()
    charging.meter(value(1000), transaction_id=None)
    charging.wait(RESUMED_WITHIN_S)
    assert (charging.last().stop_reason, charging.last().ended) == ("unknown", booted)
    assert charging.last().charging_s == 60.0


def test_a_boot_after_which_the_charger_is_away_ends_nothing() -> None:
    charging = Charging()
    charging.begin(7)
    charging.boot()
    charging.leave()
    charging.wait(RESUMED_WITHIN_S * 3)
    assert charging.open().transaction_id == 7
    charging.stop(7)
    assert charging.kinds() == ["started", "ended"]


def test_a_boot_and_then_the_end() -> None:
    charging = Charging()
    charging.begin(7)
    charging.wait(60)
    charging.boot()
    charging.wait(30)
    charging.stop(7, 1500, at=charging.ago(31), reason="PowerLoss")
    assert (charging.last().stop_reason, charging.last().charging_s, charging.timers) == ("PowerLoss", 59.0, {})


def test_a_boot_without_sessions() -> None:
    charging = Charging()
    charging.boot()
    assert charging.timers == {}


def test_timers_of_others_and_late_ones() -> None:
    charging = Charging()
    for key in ("faults", "forgotten", "ping:1", "forgotten:x", "session"):
        assert charging.sessions.timer(key, charging.now) is None
    assert charging.sessions.timer("forgotten:1", charging.now) == []
    charging.begin(7)
    assert charging.sessions.timer("forgotten:1", charging.now) == []
    assert charging.sessions.timer("session:1", charging.now) == []


def test_a_restart_tells_what_was_remembered_and_writes_nothing() -> None:
    charging = Charging()
    charging.begin(7, 1)
    charging.begin(8, 2)
    charging.meter(value(1500, 7000.0), transaction_id=8, connector=2)
    charging.stop(8)
    writes = charging.writes
    charging.restart(3600)
    assert charging.writes == writes
    assert (charging.states[1].stale, charging.states[1].record.transaction_id) == (True, 7)
    assert (charging.states[2].stale, charging.states[2].record.transaction_id) == (False, 8)
    assert {state.power_w for state in charging.states.values()} == {None}
    charging.status("charging")
    assert not charging.states[1].stale
    assert (charging.open().transaction_id, charging.kinds()) == (7, ["started", "started", "ended"])


def test_a_status_that_stands_since_before_the_restart_says_when_it_was_over() -> None:
    charging = Charging()
    charging.begin(7)
    charging.wait(60)
    over = charging.now.wall
    charging.status("available")
    charging.restart(120)
    charging.status("available")
    charging.wait(FORGOTTEN_AFTER_S)
    assert (charging.last().ended, charging.last().charging_s) == (over, 60.0)


def test_what_was_learnt_before_the_store_answered_stays() -> None:
    charging = Charging()
    charging.begin(7)
    charging.stop(7)
    charging.wait(10)
    charging.begin(8)
    stored = charging.remembered()
    late = Charging(now=charging.now)
    late.wait(60)
    late.start(meter_wh=3000)
    late.sessions.restore(stored)
    late.stored = dict(charging.stored) | late.stored
    late.perform(late.sessions.announce(late.now))
    assert late.open().number == int(late.now.wall.timestamp())
    ended = late.events[-1].record
    assert (ended.transaction_id, ended.stop_reason, ended.ended) == (8, "unknown", charging.now.wall)
    assert late.states[1].record == late.open()
    late.sessions.restore(stored)
    assert late.open().number == int(late.now.wall.timestamp())
    late.stop(8)
    assert late.kinds()[-1] == "corrected"


def test_of_two_open_sessions_the_newer_is_true() -> None:
    charging = Charging()
    charging.begin(7)
    older = charging.open()
    newer = replace(older, number=older.number + 5, transaction_id=8, counted_at=None)
    oldest = replace(older, number=older.number - 5, transaction_id=6, counted_at=None, started=None)
    charging.stored = {record.number: record for record in (newer, older, oldest)}
    charging.events.clear()
    charging.restart(100)
    assert (charging.open().number, charging.kinds()) == (newer.number, ["ended", "ended"])
    assert charging.states[1].record.number == newer.number


def test_nothing_is_kept_of_a_charger_without_sessions() -> None:
    charging = Charging()
    assert charging.sessions.kept() == []
    assert charging.perform(charging.sessions.announce(charging.now)) == []


def test_what_is_kept() -> None:
    charging = Charging()
    charging.begin(7)
    charging.stop(7)
    charging.wait(1)
    charging.begin(8)
    kept = {record.transaction_id: record.active for record in charging.sessions.kept()}
    assert kept == {7: False, 8: True}
    assert isinstance(charging.sessions.kept()[0], SessionRecord)


def test_a_place_nobody_knows() -> None:
    charging = Charging()
    report = TransactionStarted(1, None, None)
    charging.perform(charging.sessions.started(report, Place(None, None, "unknown"), charging.now))
    record = charging.open()
    assert (record.id_tag, record.energy.energy_wh, record.visit) == (None, None, None)
    charging.stop(None, None)
    assert charging.last().energy.energy_wh is None


def test_a_cable_that_comes_in_after_the_beginning_is_no_end() -> None:
    charging = Charging()
    charging.status("available")
    charging.number(charging.start(), 7)
    charging.wait(20)
    charging.status("preparing")
    charging.wait(FORGOTTEN_AFTER_S * 10)
    assert (charging.kinds(), charging.timers) == (["started"], {})
    charging.status("charging")
    charging.wait(60)
    charging.stop(7)
    assert (charging.last().charging_s, charging.last().stop_reason) == (60.0, "Local")


def test_nor_is_it_after_a_restart_of_the_gateway() -> None:
    charging = Charging()
    charging.status("available")
    charging.number(charging.start(), 7)
    charging.wait(20)
    charging.status("preparing")
    charging.wait(20)
    charging.restart(60)
    charging.status("preparing")
    charging.wait(FORGOTTEN_AFTER_S * 2)
    assert charging.open().transaction_id == 7


def test_a_car_that_never_took_energy_and_drove_away() -> None:
    charging = Charging()
    charging.status("available")
    charging.number(charging.start(), 7)
    charging.wait(20)
    charging.status("preparing")
    charging.wait(600)
    gone = charging.now.wall
    charging.status("available")
    charging.wait(10)
    charging.status("preparing")
    charging.wait(FORGOTTEN_AFTER_S)
    assert (charging.last().ended, charging.last().stop_reason) == (gone, "unknown")


@pytest.mark.parametrize("booted", [False, True])
def test_after_a_restart_of_the_charger_preparing_means_that_it_was_forgotten(booted: bool) -> None:
    charging = Charging()
    charging.status("available")
    charging.number(charging.start(), 7)
    charging.wait(20)
    if booted:
        charging.boot()
    charging.status("preparing")
    charging.wait(FORGOTTEN_AFTER_S)
    assert charging.kinds() == (["started", "ended"] if booted else ["started"])
