"""All 16 error codes with each of the nine statuses, through a station: fault, warning or neither, and its end."""

from __future__ import annotations

from itertools import product

import pytest
from ocpp.v16.enums import ChargePointErrorCode, ChargePointStatus

from gateway.core.condition import condition_of
from gateway.core.facts import ConnectorState, FaultChanged, Faults
from gateway.core.faults import CLEAR_AFTER_S
from tests.core.drive import Drive, connected

CODES = [code.value for code in ChargePointErrorCode]
WORDS = [status.value for status in ChargePointStatus]
PAIRS = list(product(WORDS, CODES))


def state(table: Drive) -> ConnectorState:
    return table.published(ConnectorState)[-1]


def test_there_are_144_pairs() -> None:
    assert len(PAIRS) == 144


@pytest.mark.parametrize(("word", "code"), PAIRS)
def test_each_pair(word: str, code: str) -> None:
    table = connected()
    table.reports("Preparing" if word != "Preparing" else "Available")
    before = state(table).record.report.status
    table.elapse(10)
    table.reports(word, code=code)
    named = "Unknown" if (word, code) == ("Faulted", "NoError") else code
    severity = "error" if word == "Faulted" else "warning" if code != "NoError" else None
    told = state(table)
    assert (told.record.report.status, told.record.report.error_code) == (word, code)
    assert (told.record.condition, told.meaning.operative) == (
        condition_of(word),
        word not in ("Faulted", "Unavailable"),
    )
    assert told.fault is (severity is not None)
    changes = table.published(FaultChanged)
    if severity is None:
        assert changes == []
        assert [fact.faults for fact in table.published(Faults)] == [()]
        return
    [raised] = changes
    fault = raised.fault
    assert (raised.kind, fault.code, fault.severity, fault.raised, fault.connector_id) == (
        "raised",
        named,
        severity,
        table.now.wall,
        1,
    )
    assert fault.pre_fault_status == (before if word == "Faulted" else None)
    assert table.published(Faults)[-1].faults == (fault,)
    ends_at_once(table, fault.number)


def ends_at_once(table: Drive, number: int) -> None:
    """A status without an error ends it; that is told 5 s later, with the true time."""
    table.elapse(20)
    table.reports("Charging")
    ended = table.now.wall
    table.elapse(CLEAR_AFTER_S - 0.1)
    assert state(table).fault
    table.elapse(0.1)
    assert not state(table).fault
    [_, cleared] = table.published(FaultChanged)
    assert (cleared.kind, cleared.fault.number, cleared.fault.cleared, cleared.at) == (
        "cleared",
        number,
        ended,
        ended,
    )
    assert table.published(Faults)[-1].faults == ()


def test_a_warning_that_becomes_a_fault_and_a_warning_again_is_one() -> None:
    table = connected()
    table.reports("SuspendedEVSE", code="EVCommunicationError")
    table.reports("Faulted", code="EVCommunicationError")
    table.reports("SuspendedEVSE", code="EVCommunicationError")
    changes = table.published(FaultChanged)
    assert [(change.kind, change.fault.severity) for change in changes] == [
        ("raised", "warning"),
        ("updated", "error"),
        ("updated", "warning"),
    ]
    assert len({change.fault.number for change in changes}) == 1


def test_a_fault_knows_the_transaction_that_it_struck() -> None:
    table = connected()
    table.reports("Charging")
    table.starts(7712)
    table.reports("Faulted", code="PowerSwitchFailure")
    assert table.published(FaultChanged)[-1].fault.transaction_id == 7712


def test_a_code_that_nobody_knows_is_a_warning_all_the_same() -> None:
    table = connected()
    table.reports("Charging", code="Error")
    [raised] = table.published(FaultChanged)
    assert (raised.fault.code, raised.fault.severity, state(table).record.condition) == ("Error", "warning", "charging")
