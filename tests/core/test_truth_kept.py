"""What is known of a charger through late reports, clocks that are set, repeats and restarts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gateway.core.effects import Publish, Remember
from gateway.core.events import Leg
from gateway.core.facts import (
    FaultChanged,
    Faults,
    MeterState,
    SessionChanged,
    SessionState,
    StatusChanged,
)
from gateway.core.memory import ConnectorRecord
from gateway.core.skew import PACE_S
from tests.core.drive import EPOCH, connected, drive, only
from tests.core.scenes import boot, charging, state

HOUR = timedelta(hours=1)


# What is late


def test_a_late_report_is_told_and_only_makes_the_state_doubtful() -> None:
    table = connected()
    table.reports("Charging", at=table.now.wall)
    table.elapse(100)
    before, writes = state(table), table.kept.writes
    effects = table.reports("Faulted", code="GroundFailure", at=table.now.wall - HOUR)
    assert (state(table).record, state(table).fault) == (before.record, False)
    assert (state(table).stale, state(table).stale_reason) == (True, "clock")
    assert table.kept.writes == writes
    [change] = [publish.fact for publish in only(effects, Publish) if isinstance(publish.fact, StatusChanged)]
    assert (change.late, change.report.status, change.condition, change.transition, change.expected) == (
        True,
        "Faulted",
        "charging",
        None,
        None,
    )
    assert table.published(FaultChanged) == []
    assert table.counted["late_status"] == 1
    assert table.reports("Faulted", code="GroundFailure", at=table.now.wall - HOUR - timedelta(seconds=60)) != []
    again = table.reports("Faulted", code="GroundFailure", at=table.now.wall - HOUR - timedelta(seconds=60))
    assert not [publish for publish in only(again, Publish) if isinstance(publish.fact, StatusChanged)]
    table.reports("Charging", at=table.now.wall)
    assert not state(table).stale


def test_a_clock_that_was_set_back_makes_late_reports_those_of_now() -> None:
    table = connected()
    back = timedelta(minutes=10)
    table.reports("Charging", at=table.now.wall)
    table.reports("Available", 2, at=table.now.wall)
    table.elapse(10)
    table.reports("Finishing", at=table.now.wall - back)
    assert state(table).record.condition == "charging"
    table.elapse(PACE_S)
    table.reports("Available", 2, at=table.now.wall - back)
    assert state(table).record.condition == "finishing"
    assert state(table, 2).source == "status_notification"
    assert table.counted["charger_clock_set_back"] == 1
    assert table.station.view.state(table.now).clock_skew_s == -600.0
    table.reports("Available", at=table.now.wall - back)
    assert state(table).record.condition == "available"


def test_a_report_of_long_ago_stays_in_the_past_when_the_clock_is_set_back() -> None:
    table = connected()
    table.reports("Charging", at=table.now.wall)
    table.reports("Available", at=table.now.wall - HOUR)
    for _ in range(3):
        table.elapse(PACE_S / 2)
        table.reports("Available", 2, at=table.now.wall - timedelta(minutes=10))
    assert table.counted["charger_clock_set_back"] == 1
    assert state(table).record.condition == "charging"


def test_after_a_boot_nothing_is_late() -> None:
    table = connected()
    table.reports("Charging", at=table.now.wall)
    boot(table)
    table.reports("Available", at=table.now.wall - HOUR)
    assert state(table).record.condition == "available"


# What is written


def test_an_unlisted_change_is_kept_marked_and_counted() -> None:
    table = connected()
    table.reports("Finishing")
    table.elapse(7)
    table.reports("Charging")
    change = table.published(StatusChanged)[-1]
    assert (change.transition, change.expected, change.dwell_s) == ("F3", False, 7)
    assert (state(table).record.unexpected, table.counted["unexpected_transition"]) == (1, 1)
    table.reports("SuspendedEV")
    change = table.published(StatusChanged)[-1]
    assert (change.transition, change.expected, state(table).record.unexpected) == ("C4", True, 1)


def test_repeated_notifications_write_nothing_and_are_no_events() -> None:
    table = charging()
    details: dict[str, Any] = {"info": "x", "vendorId": "v", "vendorErrorCode": "1"}
    table.reports("Charging", 2, "WeakSignal", **details)
    writes, events = table.kept.writes, len(table.published(StatusChanged))
    for number in range(50):
        table.elapse(1)
        table.reports("Charging")
        table.reports("charging " if number % 2 else "Charging", 2, "WeakSignal", **details)
    assert table.kept.writes == writes
    assert len(table.published(StatusChanged)) == events
    assert len(table.published(FaultChanged)) == 1
    assert state(table, 2).at == table.now.wall


def test_the_spelling_alone_is_no_event() -> None:
    table = connected()
    table.reports("Charging")
    table.reports("charging ", code="WeakSignal")
    assert [change.report.status for change in table.published(StatusChanged)] == ["Charging"]


def test_an_hour_of_heartbeats_writes_nothing() -> None:
    table = charging()
    writes = table.kept.writes
    for _ in range(60):
        table.elapse(30)
        table.asks("Heartbeat", {}, {"currentTime": "2026-01-01T00:00:00Z"})
        table.elapse(30)
        table.pong(Leg.UP)
    assert table.kept.writes == writes


def test_a_reconnect_writes_nothing() -> None:
    table = charging()
    table.elapse(100)
    writes = table.kept.writes
    for _ in range(5):
        table.lose(Leg.DOWN)
        table.elapse(5)
        table.online()
        table.reports("Charging")
    assert table.kept.writes == writes


def test_everything_of_one_event_is_remembered_before_it_is_published() -> None:
    table = charging()
    effects = table.reports("Faulted", code="GroundFailure")
    rows = [type(effect.record).__name__ for effect in only(effects, Remember)]
    assert sorted(rows) == ["ConnectorRecord", "FaultRecord", "SessionRecord"]


# Over a restart


def test_everything_is_there_again_after_a_restart_and_old() -> None:
    table = charging()
    table.reports("Faulted", 2, "GroundFailure")
    table.meters(2000)
    table.elapse(100)
    table.meters(3000)
    before = table.kept.memory()
    again = table.restarted()
    assert again.station.view.memory() == before
    first = state(again)
    assert (first.source, first.stale, first.stale_reason, first.upstream_delivered) == (
        "restored",
        True,
        "restored_after_restart",
        None,
    )
    assert first.record == state(table).record
    assert (first.meaning.in_session, state(again, 2).fault) == (True, True)
    assert (again.published(Faults)[-1].faults, again.published(Faults)[-1].stale) == (
        table.published(Faults)[-1].faults,
        True,
    )
    assert again.published(SessionState)[-1].stale
    meter = again.published(MeterState)[-1]
    assert meter.stale
    assert set(meter.readings.values()) == {None}
    assert again.kept.writes == 0


def test_a_restart_in_between_changes_nothing_of_what_follows() -> None:
    table = charging()
    table.elapse(10)
    again = table.restarted()
    again.online()
    again.reports("Charging")
    assert (state(again).stale, state(again).record.since) == (False, state(table).record.since)
    again.elapse(100)
    again.stops()
    again.reports("Preparing")
    assert state(again).record.condition == "finishing"
    assert [change.kind for change in again.published(SessionChanged)] == ["ended"]
    assert again.published(SessionChanged)[-1].record.number == table.published(SessionState)[-1].record.number
    again.reports("Available")
    assert again.published(SessionChanged)[-1].kind == "corrected"


def test_the_number_of_a_visit_is_not_given_again_after_a_restart_and_a_clock_set_back() -> None:
    table = charging()
    visit = state(table).record.visit
    assert visit is not None
    table.stops()
    table.reports("Available")
    again = table.restarted()
    again.set_clock(-60)
    again.online()
    again.reports("Preparing")
    assert state(again).record.visit == visit + 1


def test_a_store_that_is_read_late_takes_nothing_away() -> None:
    past = charging()
    past.meters(2000)
    past.reports("Faulted", 2, "GroundFailure")
    memory, record = past.kept.memory(), past.station.record
    assert record is not None
    table = drive()
    table.now = past.now
    table.online()
    table.reports("Finishing")
    table.meters(2500, transaction=None)
    table.kept.begin(memory)
    for connector in table.station.view.connectors:
        table.kept.rows[ConnectorRecord, connector.record.connector_id] = connector.record
    table.carry_out(table.station.learn(record, memory, table.now))
    assert state(table).record.report.status == "Finishing"
    assert (state(table).stale, state(table, 2).stale) == (False, True)
    assert state(table, 2).fault
    assert table.published(Faults)[-1].stale
    meter = [fact for fact in table.published(MeterState) if fact.connector_id == 1][-1]
    assert (meter.readings["energy_import_wh"], meter.stale) == (2500, False)
    assert state(table).meaning.in_session


def test_a_timer_that_is_neither_of_faults_nor_of_sessions_is_nobodys() -> None:
    assert charging().station.view.timer("lunch", EPOCH) is None
