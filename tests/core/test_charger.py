"""`gateway.core.charger`: the gateway's view of one charger, told as facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from gateway.core.charger import MOST_RECONNECTS_COUNTED, ChargerView
from gateway.core.connectors import MOST_CONNECTORS
from gateway.core.facts import (
    BootReported,
    ChargerInfo,
    ChargerState,
    ChargerStatus,
    ConnectorState,
    Fact,
    Registration,
    StatusReported,
)
from gateway.core.moment import Moment

START = datetime(2026, 3, 1, tzinfo=UTC)
FIRST_SEEN = datetime(2025, 1, 1, tzinfo=UTC)
BOOT = BootReported("Acme", "M1", "S1", "1.2")

F = TypeVar("F", bound=Fact)


def at(second: float) -> Moment:
    return Moment(START + timedelta(seconds=second), second)


def charger() -> ChargerView:
    return ChargerView("cp01", "CP01", "Car park, left", FIRST_SEEN, at(0).wall)


def connect(view: ChargerView, second: float) -> list[Fact]:
    return view.connected("ocpp1.6", "192.0.2.7:50000", 1, at(second))


def one(facts: list[Fact], kind: type[F]) -> F:
    found = [fact for fact in facts if isinstance(fact, kind)]
    assert len(found) == 1
    return found[0]


def test_a_charger_that_comes_in() -> None:
    view = charger()
    facts = connect(view, 5)
    assert one(facts, ChargerStatus) == ChargerStatus("cp01", online=True)
    info = one(facts, ChargerInfo)
    assert (info.identity, info.name, info.protocol, info.security_profile) == ("CP01", "Car park, left", "ocpp1.6", 1)
    assert (info.boot, info.connectors, info.first_seen) == (None, (), FIRST_SEEN)
    state = one(facts, ChargerState)
    assert (state.online, state.since, state.remote_addr) == (True, at(5).wall, "192.0.2.7")
    assert (state.stale, state.stale_reason, state.condition, state.report) == (False, None, "unknown", None)
    assert (state.registered, state.last_boot, state.last_seen, state.clock_skew_s) == (None, None, None, None)


@pytest.mark.parametrize(
    ("remote", "address"),
    [("192.0.2.7:50000", "192.0.2.7"), ("[2001:db8::7]:1", "[2001:db8::7]"), ("unknown", "unknown")],
)
def test_the_port_of_a_charger_says_nothing(remote: str, address: str) -> None:
    view = charger()
    view.connected("ocpp1.6", remote, 0, at(1))
    assert view.state(at(1)).remote_addr == address


def test_a_reconnect_before_anybody_noticed_is_no_new_beginning() -> None:
    view = charger()
    connect(view, 5)
    assert one(connect(view, 9), ChargerState).since == at(5).wall


def test_a_charger_that_stays_away() -> None:
    view = charger()
    connect(view, 5)
    view.last_seen = at(7).wall
    view.reported(StatusReported(0, "Available"), at(6))
    view.reported(StatusReported(1, "Charging"), at(6))
    facts = view.went_offline(at(60))
    assert one(facts, ChargerStatus) == ChargerStatus("cp01", online=False)
    state = one(facts, ChargerState)
    assert (state.online, state.since, state.last_seen) == (False, at(60).wall, at(7).wall)
    assert (state.stale, state.stale_reason) == (True, "charger_offline")
    connector = one(facts, ConnectorState)
    assert (connector.report.connector_id, connector.report.status, connector.stale) == (1, "Charging", True)
    back = one(connect(view, 90), ChargerState)
    assert (back.online, back.since, back.stale) == (True, at(90).wall, False)


def test_reconnects_are_counted_over_a_day() -> None:
    view = charger()
    day = 86_400.0
    assert one(connect(view, 0), ChargerState).reconnects_24h == 0
    assert one(connect(view, 10), ChargerState).reconnects_24h == 1
    assert one(connect(view, 20), ChargerState).reconnects_24h == 2
    assert view.state(at(day + 10)).reconnects_24h == 1
    assert view.state(at(day + 20)).reconnects_24h == 0


def test_one_reconnect_after_days_counts() -> None:
    view = charger()
    connect(view, 0)
    assert one(connect(view, 3 * 86_400.0), ChargerState).reconnects_24h == 1


def test_a_flapping_charger_fills_no_memory() -> None:
    view = charger()
    for second in range(MOST_RECONNECTS_COUNTED + 50):
        connect(view, second)
    assert view.state(at(2000)).reconnects_24h == MOST_RECONNECTS_COUNTED


def test_a_boot_says_who_it_is() -> None:
    view = charger()
    facts = view.booted(BOOT, at(3))
    assert one(facts, ChargerInfo).boot == BOOT
    assert one(facts, ChargerState).last_boot == at(3).wall


@pytest.mark.parametrize(
    ("registration", "registered", "heartbeat_s"),
    [
        (Registration("Accepted", 300), "accepted", 300),
        (Registration("Accepted", None), "accepted", 60),
        (Registration("Pending", 10), "pending", 60),
        (Registration("Rejected", 10), "rejected", 60),
    ],
)
def test_upstream_answers_the_boot(registration: Registration, registered: str, heartbeat_s: int) -> None:
    view = charger()
    view.heartbeat_s = 60
    assert one(view.answered_boot(registration, at(4)), ChargerState).registered == registered
    assert view.heartbeat_s == heartbeat_s


def test_a_connector_that_is_new_is_listed() -> None:
    view = charger()
    connect(view, 1)
    facts = view.reported(StatusReported(2, "Available"), at(2))
    assert facts is not None
    assert one(facts, ConnectorState).protocol == "ocpp1.6"
    assert one(facts, ChargerInfo).connectors == (2,)
    again = view.reported(StatusReported(2, "Charging"), at(3))
    assert again is not None
    assert [type(fact) for fact in again] == [ConnectorState]


def test_connector_0_is_the_charger_itself() -> None:
    view = charger()
    report = StatusReported(0, "Faulted", "OtherError")
    facts = view.reported(report, at(2))
    assert facts is not None
    assert [type(fact) for fact in facts] == [ChargerState]
    state = one(facts, ChargerState)
    assert (state.report, state.condition) == (report, "faulted")
    assert view.info(at(2)).connectors == ()


def test_one_connector_too_many_is_told_to_nobody() -> None:
    view = charger()
    for connector in range(1, MOST_CONNECTORS + 1):
        assert view.reported(StatusReported(connector, "Available"), at(1)) is not None
    assert view.reported(StatusReported(900, "Available"), at(2)) is None


def test_upstream_answers_a_status() -> None:
    view = charger()
    whole, first = StatusReported(0, "Available"), StatusReported(1, "Available")
    for report in (whole, first):
        view.reported(report, at(1))
    delivered = one(view.delivered(first, at(2)), ConnectorState)
    assert delivered.upstream_delivered
    assert view.delivered(whole, at(2)) == []
    assert view.delivered(StatusReported(1, "Available"), at(2)) == []
