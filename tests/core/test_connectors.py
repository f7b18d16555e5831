"""`gateway.core.connectors`: what is known of each connector."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.condition import condition_of
from gateway.core.connectors import MOST_CONNECTORS, SOURCE, Connectors
from gateway.core.facts import ConnectorState, PreviousStatus, StatusReported
from gateway.core.moment import Moment

START = datetime(2026, 3, 1, tzinfo=UTC)


def at(second: float) -> Moment:
    return Moment(START + timedelta(seconds=second), second)


def report(
    connectors: Connectors, second: float, status: str, connector: int = 1, code: str = "NoError"
) -> ConnectorState:
    state = connectors.reported(StatusReported(connector, status, code), "ocpp1.6", at(second))
    assert state is not None
    return state


def test_a_first_report_has_no_past() -> None:
    state = report(Connectors("cp01"), 1, "Preparing")
    assert (state.charger, state.protocol, state.source) == ("cp01", "ocpp1.6", SOURCE)
    assert (state.report.status, state.condition) == ("Preparing", "preparing")
    assert (state.at, state.since, state.previous) == (at(1).wall, at(1).wall, None)
    assert (state.stale, state.stale_since, state.stale_reason, state.upstream_delivered) == (False, None, None, False)


def test_a_change_remembers_what_was_before() -> None:
    connectors = Connectors("cp01")
    report(connectors, 1, "Preparing")
    state = report(connectors, 5, "Charging")
    assert state.since == at(5).wall
    assert state.previous == PreviousStatus("Preparing", "preparing", at(1).wall)
    assert connectors.get(1) == state


def test_a_repeat_confirms_and_changes_nothing_else() -> None:
    connectors = Connectors("cp01")
    report(connectors, 1, "Preparing")
    before = report(connectors, 5, "Charging")
    again = report(connectors, 9, "Charging", code="WeakSignal")
    assert again.at == at(9).wall
    assert (again.since, again.previous) == (before.since, before.previous)
    assert again.report.error_code == "WeakSignal"


def test_a_status_that_nobody_knows_is_kept_as_sent() -> None:
    state = report(Connectors("cp01"), 1, "Kaputt")
    assert (state.report.status, state.condition) == ("Kaputt", "unknown")


def test_upstream_confirms_the_report_that_stands() -> None:
    connectors = Connectors("cp01")
    state = report(connectors, 1, "Available")
    delivered = connectors.delivered(state.report, at(2))
    assert delivered is not None
    assert (delivered.upstream_delivered, delivered.at, delivered.since) == (True, at(2).wall, at(1).wall)
    assert connectors.get(1) == delivered
    assert not report(connectors, 3, "Available").upstream_delivered


def test_upstream_confirms_a_report_that_was_overtaken() -> None:
    connectors = Connectors("cp01")
    old = report(connectors, 1, "Preparing").report
    report(connectors, 2, "Charging")
    assert connectors.delivered(old, at(3)) is None
    assert connectors.delivered(StatusReported(7, "Available"), at(3)) is None
    state = connectors.get(1)
    assert state is not None
    assert not state.upstream_delivered


def test_an_equal_report_of_earlier_is_not_the_one_that_stands() -> None:
    connectors = Connectors("cp01")
    first, second = StatusReported(1, "Available"), StatusReported(1, "Available")
    connectors.reported(first, "ocpp1.6", at(1))
    connectors.reported(second, "ocpp1.6", at(2))
    assert connectors.delivered(first, at(3)) is None
    assert connectors.delivered(second, at(3)) is not None


def test_an_unreachable_charger_leaves_old_states_behind() -> None:
    connectors = Connectors("cp01")
    report(connectors, 1, "Charging")
    report(connectors, 1, "Available", connector=0)
    stale = connectors.went_stale("charger_offline", at(9))
    assert {state.report.connector_id for state in stale} == {0, 1}
    for state in stale:
        assert (state.stale, state.stale_since, state.stale_reason) == (True, at(9).wall, "charger_offline")
        assert (state.since, state.at) == (at(1).wall, at(9).wall)
    assert connectors.went_stale("charger_offline", at(20)) == []


def test_a_new_report_is_fresh_again() -> None:
    connectors = Connectors("cp01")
    report(connectors, 1, "Charging")
    connectors.went_stale("charger_offline", at(9))
    state = report(connectors, 20, "Charging")
    assert (state.stale, state.stale_since, state.stale_reason) == (False, None, None)
    assert state.since == at(1).wall


def test_a_late_confirmation_does_not_make_an_old_state_fresh() -> None:
    connectors = Connectors("cp01")
    told = report(connectors, 1, "Charging").report
    connectors.went_stale("charger_offline", at(9))
    delivered = connectors.delivered(told, at(10))
    assert delivered is not None
    assert (delivered.stale, delivered.stale_since, delivered.upstream_delivered) == (True, at(9).wall, True)


def test_a_broken_charger_cannot_name_connectors_without_end() -> None:
    connectors = Connectors("cp01")
    for connector in range(MOST_CONNECTORS):
        report(connectors, 1, "Available", connector)
    assert connectors.reported(StatusReported(MOST_CONNECTORS, "Available"), "ocpp1.6", at(2)) is None
    assert connectors.get(MOST_CONNECTORS) is None
    assert report(connectors, 3, "Charging", 1).previous is not None
    assert len(list(connectors)) == MOST_CONNECTORS


def test_connector_0_is_known_and_not_listed() -> None:
    connectors = Connectors("cp01")
    for connector in (2, 0, 1):
        report(connectors, 1, "Available", connector)
    assert connectors.ids() == (1, 2)
    assert {state.report.connector_id for state in connectors} == {0, 1, 2}
    assert connectors.get(3) is None


HISTORY = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["Available", "Charging", "Faulted", "x", "stale"])), max_size=40
)


@given(HISTORY)
def test_since_moves_with_the_status_only_and_the_past_is_a_chain(history: list[tuple[int, str]]) -> None:
    connectors = Connectors("cp01")
    runs: dict[int, list[tuple[str, datetime]]] = {}
    stale_since: dict[int, datetime] = {}
    for second, (connector, status) in enumerate(history):
        now = at(second)
        if status == "stale":
            fresh = set(runs) - set(stale_since)
            assert {state.report.connector_id for state in connectors.went_stale("charger_offline", now)} == fresh
            stale_since |= dict.fromkeys(fresh, now.wall)
        else:
            report(connectors, second, status, connector)
            stale_since.pop(connector, None)
            run = runs.setdefault(connector, [])
            if not run or run[-1][0] != status:
                run.append((status, now.wall))
        for known, run in runs.items():
            state = connectors.get(known)
            assert state is not None
            assert (state.report.status, state.since) == run[-1]
            assert (state.stale, state.stale_since) == (known in stale_since, stale_since.get(known))
            before = run[-2] if len(run) > 1 else None
            assert state.previous == (PreviousStatus(before[0], condition_of(before[0]), before[1]) if before else None)
