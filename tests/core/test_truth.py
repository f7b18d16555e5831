"""Connectors, faults, sessions and readings of one charger agree, and nothing is published that is not durable."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.core.effects import Publish
from gateway.core.events import Leg
from gateway.core.facts import (
    ConnectorState,
    FaultChanged,
    Faults,
    SessionChanged,
    SessionState,
    StatusChanged,
)
from gateway.core.faults import CLEAR_AFTER_S
from tests.core.drive import Drive, connected, only
from tests.core.scenes import charging, state, stay
from tests.core.texts import call, result

HOUR = timedelta(hours=1)


def kinds(table: Drive) -> list[str]:
    return [change.kind for change in table.published(SessionChanged)]


# Sessions and connectors


def test_a_session_from_plug_in_to_unplug() -> None:
    table = charging()
    visit = state(table).record.visit
    assert (state(table).meaning.in_session, state(table).record.condition) == (True, "charging")
    table.elapse(100)
    table.meters(1500)
    table.stops()
    assert (state(table).meaning.in_session, state(table).record.ended) == (True, True)
    table.reports("Finishing")
    assert state(table).meaning.in_session is False
    table.elapse(60)
    table.reports("Available")
    assert kinds(table) == ["started", "ended", "corrected"]
    last = table.published(SessionChanged)[-1].record
    assert (last.visit, last.unplugged_at, last.energy.energy_wh) == (visit, table.now.wall, 5000)
    assert (state(table).record.visit, state(table).record.plugged_at) == (None, None)


def test_preparing_after_the_session_is_finishing_until_a_tag_is_shown() -> None:
    table = charging()
    table.stops()
    table.reports("Preparing")
    assert state(table).record.condition == "finishing"
    table.asks("Authorize", {"idTag": "CARD02"})
    assert state(table).record.condition == "preparing"
    changes = [(one.condition_before, one.condition, one.transition) for one in table.published(StatusChanged)]
    assert changes[-2:] == [("charging", "finishing", "C2"), ("finishing", "preparing", None)]


@pytest.mark.parametrize(("connector", "begins"), [(1, True), (None, True), (2, False)])
@pytest.mark.parametrize("word", ["Accepted", "Rejected"])
def test_a_remote_start_begins_anew_once_the_charger_accepts_it(connector: int | None, begins: bool, word: str) -> None:
    table = charging()
    table.stops()
    table.reports("Preparing")
    payload = {"idTag": "CARD02"} | ({} if connector is None else {"connectorId": connector})
    table.upstream(call("u1", "RemoteStartTransaction", payload))
    assert state(table).record.condition == "finishing"
    table.charger(result("u1", {"status": word}))
    expected = "preparing" if begins and word == "Accepted" else "finishing"
    assert state(table).record.condition == expected


def test_a_new_session_begins_anew() -> None:
    table = charging()
    table.stops()
    table.reports("Preparing")
    table.starts(8)
    assert (state(table).record.condition, state(table).record.ended) == ("preparing", False)
    assert table.published(SessionState)[-1].record.phases[0].name == "preparing"


def test_the_status_may_overtake_the_end_of_the_session() -> None:
    table = charging()
    table.reports("Available")
    assert (state(table).record.condition, state(table).meaning.in_session) == ("available", True)
    table.stops()
    assert state(table).meaning.in_session is False
    assert not state(table).record.ended
    table.reports("Preparing")
    assert state(table).record.condition == "preparing"


def test_a_session_of_the_past_does_not_touch_the_car_of_now() -> None:
    """Offline for an hour, the charger reports its connector first and empties its queue after that."""
    table = connected()
    table.reports("Available")
    stay(table, 3600)
    table.reports("Preparing")
    before = state(table).record
    table.starts(at=table.now.wall - HOUR)
    table.stops(at=table.now.wall - HOUR / 2)
    assert kinds(table) == ["started", "ended"]
    assert state(table).record == before
    assert (state(table).record.condition, state(table).meaning.in_session) == ("preparing", False)
    assert table.published(SessionState)[-1].record.visit is None


def test_a_session_of_the_past_does_not_make_a_finished_connector_a_new_one() -> None:
    table = charging()
    table.stops()
    table.reports("Preparing")
    changes = len(table.published(StatusChanged))
    table.starts(9, at=table.now.wall - HOUR)
    assert (state(table).record.condition, state(table).meaning.in_session) == ("finishing", False)
    table.stops(9, at=table.now.wall - HOUR / 2)
    assert (state(table).record.condition, state(table).meaning.in_session) == ("finishing", False)
    assert len(table.published(StatusChanged)) == changes


def test_a_start_that_is_told_late_of_a_session_that_goes_on_is_one() -> None:
    table = connected()
    table.reports("SuspendedEV")
    table.starts(at=table.now.wall - HOUR)
    assert state(table).meaning.in_session
    table.stops()
    table.reports("Preparing")
    assert state(table).record.condition == "finishing"


def test_a_late_end_of_the_visit_that_lasts_is_an_end() -> None:
    table = charging()
    stay(table, 600)
    table.reports("Preparing")
    table.stops(at=table.now.wall - timedelta(seconds=120))
    assert state(table).record.condition == "finishing"


def test_the_end_of_a_session_that_nobody_saw_begin_is_an_end() -> None:
    table = connected()
    table.reports("Charging")
    table.stops(4711)
    table.reports("Preparing")
    assert state(table).record.condition == "finishing"


def test_one_session_that_follows_another_without_an_end_leaves_the_connector_in_use() -> None:
    table = charging()
    table.starts(8, meter=2000)
    assert kinds(table) == ["started", "ended", "started"]
    assert (state(table).record.ended, state(table).meaning.in_session) == (False, True)


def test_sessions_of_a_connector_that_never_reported() -> None:
    table = connected()
    table.starts()
    table.stops()
    assert kinds(table) == ["started", "ended"]
    assert table.published(ConnectorState) == []


def test_occupied_of_old_firmware_follows_the_session() -> None:
    table = connected(named=("occupied-as-in-1-5",))
    table.reports("Occupied")
    assert state(table).record.condition == "preparing"
    table.starts()
    assert state(table).record.condition == "charging"
    table.stops()
    assert state(table).record.condition == "finishing"


def test_who_says_available_with_the_cable_in_tells_nothing_of_the_unplugging() -> None:
    table = charging(named=("available-while-plugged",))
    table.stops()
    table.reports("Available")
    assert state(table).meaning.plugged is None
    assert kinds(table) == ["started", "ended"]
    assert table.published(SessionChanged)[-1].record.unplugged_at is None


def test_the_id_that_upstream_gives_reaches_the_session() -> None:
    table = connected()
    table.reports("Preparing")
    table.starts(None)
    assert table.published(SessionState)[-1].record.transaction_id is None
    table.upstream(result(f"c{table.asked}", {"transactionId": 31, "idTagInfo": {"status": "Accepted"}}))
    record = table.published(SessionState)[-1].record
    assert (record.transaction_id, record.start_delivered) == (31, True)


def test_upstreams_answer_to_the_end_reaches_the_session() -> None:
    table = charging()
    table.stops()
    assert not table.published(SessionState)[-1].record.stop_delivered
    table.upstream(result(f"c{table.asked}"))
    assert table.published(SessionState)[-1].record.stop_delivered


def test_a_session_that_the_charger_forgot_ends_and_the_connector_with_it() -> None:
    table = charging()
    table.reports("Preparing")
    stay(table, 400)
    assert kinds(table) == ["started", "ended"]
    assert table.published(SessionChanged)[-1].record.stop_reason == "unknown"
    assert state(table).record.condition == "finishing"


def test_readings_that_cannot_be_used_are_counted_by_their_reason() -> None:
    table = charging()
    for value in ("NaN", "-1e400", ""):
        table.meters(value)
    assert sum(count for what, count in table.counted.items() if what.startswith("reading_")) == 3
    assert table.published(SessionState)[-1].record.energy.energy_wh in (0, None)


# Faults and connectors


def test_the_fault_flag_follows_the_faults_and_not_the_status() -> None:
    table = connected()
    table.reports("Charging", code="WeakSignal")
    assert (state(table).fault, state(table).record.condition) == (True, "charging")
    table.reports("Charging")
    assert state(table).fault
    table.elapse(CLEAR_AFTER_S)
    assert not state(table).fault
    assert table.published(Faults)[-1].faults == ()


def test_an_empty_list_says_healthy_from_the_first_report_on() -> None:
    table = connected()
    assert table.published(Faults) == []
    table.reports("Available")
    assert [(fact.faults, fact.stale) for fact in table.published(Faults)] == [((), False)]
    table.reports("Charging")
    assert len(table.published(Faults)) == 1


def test_the_list_of_faults_is_as_old_as_the_connectors_that_it_names() -> None:
    table = connected()
    table.reports("Faulted", 1, "GroundFailure")
    table.reports("Available", 2)
    table.lose(Leg.DOWN)
    table.elapse(60)
    assert table.published(Faults)[-1].stale
    table.online()
    table.reports("Available", 2)
    assert table.published(Faults)[-1].stale
    table.reports("Available", 2, "WeakSignal")
    assert table.published(Faults)[-1].stale
    assert len(table.published(Faults)[-1].faults) == 2
    table.reports("Faulted", 1, "GroundFailure")
    assert not table.published(Faults)[-1].stale


def test_an_end_that_was_waiting_is_told_when_the_daemon_stops() -> None:
    table = connected()
    table.reports("Faulted", code="GroundFailure")
    table.reports("Available")
    effects = table.stop()
    [cleared] = [publish.fact for publish in only(effects, Publish) if isinstance(publish.fact, FaultChanged)]
    assert cleared.kind == "cleared"
    assert state(table).fault is False
    assert (table.published(Faults)[-1].faults, table.published(Faults)[-1].stale) == ((), True)
    assert "faults" not in table.due
