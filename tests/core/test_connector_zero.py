"""Connector 0 is the charger itself: three statuses, its own faults, and nothing in common with its connectors."""

from __future__ import annotations

import pytest

from gateway.core.effects import Publish, Remember
from gateway.core.facts import ChargerState, ConnectorState, FaultChanged, Faults, SessionState, StatusChanged
from gateway.core.faults import CLEAR_AFTER_S
from gateway.core.memory import ConnectorRecord
from gateway.core.transitions import STATUSES
from tests.core.drive import Drive, connected, only

OF_THE_CHARGER = ("Available", "Unavailable", "Faulted")


def whole(table: Drive) -> ChargerState:
    return table.published(ChargerState)[-1]


@pytest.mark.parametrize("word", OF_THE_CHARGER)
def test_it_has_three_statuses(word: str) -> None:
    table = connected()
    table.reports(word, 0)
    state = whole(table)
    assert state.report is not None
    assert (state.report.status, state.condition, state.status_since) == (word, word.lower(), table.now.wall)
    assert (state.fault, state.stale) == (word == "Faulted", False)
    assert table.counted["odd_call_relayed"] == 0


@pytest.mark.parametrize("word", [word for word in STATUSES if word not in OF_THE_CHARGER])
def test_any_other_is_kept_as_sent_and_odd(word: str) -> None:
    table = connected()
    table.reports(word, 0)
    state = whole(table)
    assert state.report is not None
    assert state.report.status == word
    assert table.counted["odd_call_relayed"] == 1
    assert table.station.view.connectors.ids() == ()


def test_it_is_never_a_connector() -> None:
    table = connected()
    table.reports("Charging", 0)
    table.reports("Faulted", 0, "GroundFailure")
    table.starts(connector=0)
    table.meters(5000, connector=0)
    table.elapse(600)
    assert table.published(ConnectorState) == []
    assert table.published(SessionState) == []
    assert table.station.view.info(table.now).connectors == ()


def test_its_changes_have_no_codes() -> None:
    table = connected()
    for word in ("Available", "Faulted", "Unavailable", "Available"):
        table.reports(word, 0)
    changes = table.published(StatusChanged)
    assert [(change.report.connector_id, change.transition, change.expected) for change in changes] == [
        (0, None, None)
    ] * 4
    record = table.station.view.connectors.get(0)
    assert record is not None
    assert (record.record.unexpected, record.record.visit) == (0, None)


def test_a_repeat_writes_nothing_and_is_published() -> None:
    table = connected()
    table.reports("Available", 0)
    writes = table.kept.writes
    table.elapse(5)
    effects = table.reports("Available", 0)
    assert table.kept.writes == writes
    assert [type(publish.fact) for publish in only(effects, Publish)] == [ChargerState]
    assert whole(table).status_since != table.now.wall


@pytest.mark.parametrize(("there", "here"), [(0, 1), (1, 0)])
def test_its_status_has_nothing_to_do_with_that_of_a_connector(there: int, here: int) -> None:
    table = connected()
    table.reports("Available", here)
    before = table.station.view.connectors.get(here)
    assert before is not None
    record = before.record
    for word in ("Faulted", "Unavailable", "Available"):
        effects = table.reports(word, there)
        rows = [effect.record for effect in only(effects, Remember)]
        assert not [row for row in rows if isinstance(row, ConnectorRecord) and row.connector_id == here]
    after = table.station.view.connectors.get(here)
    assert after is not None
    assert after.record is record


def test_its_faults_are_its_own() -> None:
    table = connected()
    table.reports("Faulted", 1, "GroundFailure")
    table.reports("Faulted", 0, "InternalError")
    faults = table.published(Faults)[-1].faults
    assert [(fault.connector_id, fault.code) for fault in faults] == [(1, "GroundFailure"), (0, "InternalError")]
    table.reports("Available", 0)
    assert whole(table).fault
    table.elapse(CLEAR_AFTER_S)
    [cleared] = [change.fault for change in table.published(FaultChanged) if change.kind == "cleared"]
    assert (cleared.connector_id, cleared.code) == (0, "InternalError")
    assert not whole(table).fault
    assert table.published(ConnectorState)[-1].fault


def test_a_list_conflict_is_a_warning_of_the_charger() -> None:
    table = connected()
    table.reports("Available", 0, "LocalListConflict")
    [fault] = table.published(Faults)[-1].faults
    assert (fault.connector_id, fault.severity, whole(table).condition) == (0, "warning", "available")


def test_it_is_there_again_after_a_restart() -> None:
    table = connected()
    table.reports("Unavailable", 0)
    since = table.now.wall
    table.elapse(100)
    again = table.restarted()
    state = whole(again)
    assert (state.condition, state.status_since, state.stale, state.stale_reason) == (
        "unavailable",
        since,
        True,
        "restored_after_restart",
    )
    again.online()
    again.reports("Unavailable", 0)
    assert (whole(again).status_since, whole(again).stale) == (since, False)
