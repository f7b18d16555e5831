"""`gateway.core.charger`: the gateway's view of one charger, remembered and told as facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from gateway.core.charger import MOST_RECONNECTS_COUNTED, ChargerView
from gateway.core.connectors import MOST_CONNECTORS
from gateway.core.effects import Effect, Publish, Remember
from gateway.core.facts import ChargerInfo, ChargerState, ChargerStatus, ConnectivityChanged, ConnectorState, Fact
from gateway.core.memory import ChargerRecord, Memory
from gateway.core.moment import Moment
from gateway.core.reports import BootReported, Registration, StatusReported, TransactionStarted
from gateway.core.tags import Tags
from gateway.core.traits import Trait
from gateway.quirks import Catalogue, Pattern, Quirk, Use
from tests.core.drive import only
from tests.core.quirky import NO_QUIRKS, QUIRKS

START = datetime(2026, 3, 1, tzinfo=UTC)
FIRST_SEEN = datetime(2025, 1, 1, tzinfo=UTC)
BOOT = BootReported("Acme", "M1", "S1", "1.2")

F = TypeVar("F", bound=Fact)


def at(second: float) -> Moment:
    return Moment(START + timedelta(seconds=second), second)


def charger(quirks: Catalogue = NO_QUIRKS, named: tuple[str, ...] = ()) -> ChargerView:
    return ChargerView("cp01", "CP01", "Car park, left", FIRST_SEEN, at(0).wall, quirks, Tags(), named)


def connect(view: ChargerView, second: float) -> list[Effect]:
    return view.connected("ocpp1.6", "192.0.2.7:50000", 1, at(second))


def learn(view: ChargerView, report: StatusReported | BootReported, second: float) -> list[Effect]:
    return view.learn(report, at(second))[0]


def facts(effects: list[Effect], kind: type[F]) -> list[F]:
    return [publish.fact for publish in only(effects, Publish) if isinstance(publish.fact, kind)]


def one(effects: list[Effect], kind: type[F]) -> F:
    (found,) = facts(effects, kind)
    return found


def remembered(effects: list[Effect]) -> list[ChargerRecord]:
    return [effect.record for effect in only(effects, Remember) if isinstance(effect.record, ChargerRecord)]


def test_a_charger_that_comes_in() -> None:
    view = charger()
    effects = connect(view, 5)
    assert one(effects, ChargerStatus) == ChargerStatus("cp01", online=True)
    info = one(effects, ChargerInfo)
    assert (info.identity, info.name, info.protocol, info.security_profile) == ("CP01", "Car park, left", "ocpp1.6", 1)
    assert (info.boot, info.connectors, info.first_seen, info.quirks) == (None, (), FIRST_SEEN, ())
    state = one(effects, ChargerState)
    assert (state.online, state.since, state.remote_addr) == (True, at(5).wall, "192.0.2.7")
    assert (state.stale, state.stale_reason, state.condition, state.report) == (False, None, "unknown", None)
    assert (state.registered, state.last_boot, state.last_seen, state.clock_skew_s) == (None, None, None, None)
    assert one(effects, ConnectivityChanged) == ConnectivityChanged(at(5).wall, "cp01", "online", "192.0.2.7", 0)
    assert remembered(effects) == [ChargerRecord(protocol="ocpp1.6", remote_addr="192.0.2.7", security_profile=1)]


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
    again = connect(view, 9)
    assert one(again, ChargerState).since == at(5).wall
    assert facts(again, ConnectivityChanged) == []
    assert remembered(again) == []


def test_a_charger_that_stays_away() -> None:
    view = charger()
    connect(view, 5)
    view.last_seen = at(7).wall
    learn(view, StatusReported(0, "Available"), 6)
    learn(view, StatusReported(1, "Charging"), 6)
    effects = view.went_offline(at(60))
    assert one(effects, ChargerStatus) == ChargerStatus("cp01", online=False)
    for state in facts(effects, ChargerState):
        assert (state.online, state.since, state.last_seen) == (False, at(60).wall, at(7).wall)
        assert (state.stale, state.stale_reason) == (True, "charger_offline")
    connector = one(effects, ConnectorState)
    assert (connector.record.report.status, connector.stale) == ("Charging", True)
    assert one(effects, ConnectivityChanged).kind == "offline"
    assert only(effects, Remember) == []
    back = one(connect(view, 90), ChargerState)
    assert (back.online, back.since, back.stale, back.stale_reason) == (True, at(90).wall, True, "unconfirmed")
    confirmed = facts(learn(view, StatusReported(0, "Available"), 91), ChargerState)[-1]
    assert (confirmed.stale, confirmed.stale_reason) == (False, None)


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
    effects = learn(view, BOOT, 3)
    assert one(effects, ChargerInfo).boot == BOOT
    assert one(effects, ChargerState).last_boot == at(3).wall
    assert one(effects, ConnectivityChanged).kind == "booted"
    assert remembered(effects) == [ChargerRecord(boot=BOOT, last_boot=at(3).wall)]
    assert view.delivered(BOOT, at(4)) == []


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
    effects = view.answered_boot(registration, at(4))
    assert one(effects, ChargerState).registered == registered
    assert view.heartbeat_s == heartbeat_s
    assert remembered(effects) == [ChargerRecord(registered=registered, heartbeat_s=heartbeat_s)]
    assert remembered(view.answered_boot(registration, at(5))) == []


def test_a_connector_that_is_new_is_listed() -> None:
    view = charger()
    connect(view, 1)
    effects = learn(view, StatusReported(2, "Available"), 2)
    assert one(effects, ConnectorState).protocol == "ocpp1.6"
    assert one(effects, ChargerInfo).connectors == (2,)
    assert facts(learn(view, StatusReported(2, "Charging"), 3), ChargerInfo) == []


def test_one_connector_too_many_is_named_and_told_to_nobody() -> None:
    view = charger()
    for connector in range(1, MOST_CONNECTORS + 1):
        assert view.learn(StatusReported(connector, "Available"), at(1))[1] == ()
    effects, oddities = view.learn(StatusReported(900, "Available"), at(2))
    assert (effects, oddities) == ([], ("too_many_connectors",))


def test_upstream_answers_a_status() -> None:
    view = charger()
    whole, first = StatusReported(0, "Available"), StatusReported(1, "Available")
    for report in (whole, first):
        view.learn(report, at(1))
    delivered = one(view.delivered(first, at(2)), ConnectorState)
    assert delivered.upstream_delivered
    assert view.delivered(whole, at(2)) == []
    assert view.delivered(first, at(3)) == []
    assert view.delivered(TransactionStarted(1, None, None), at(4)) == []


# What was remembered


def with_a_past() -> Memory:
    view = charger()
    connect(view, 1)
    learn(view, BOOT, 2)
    view.answered_boot(Registration("Accepted", 300), at(3))
    learn(view, StatusReported(1, "Charging"), 4)
    view.took_trigger_badly(at(5))
    return view.memory()


def test_it_is_known_again_after_a_restart() -> None:
    memory = with_a_past()
    view = charger()
    view.restored = True
    view.restore(memory, at(100))
    effects = view.announce(at(100))
    assert only(effects, Remember) == []
    info, state = one(effects, ChargerInfo), facts(effects, ChargerState)[-1]
    assert (info.boot, info.connectors, info.protocol, info.security_profile) == (BOOT, (1,), "ocpp1.6", 1)
    assert (state.online, state.registered, state.last_boot, state.remote_addr) == (
        False,
        "accepted",
        at(2).wall,
        "192.0.2.7",
    )
    assert (view.heartbeat_s, view.may_be_triggered) == (300, False)
    assert view.memory() == memory
    assert remembered(connect(view, 101)) == []


def test_what_was_learnt_before_the_store_could_be_read_is_newer() -> None:
    memory = with_a_past()
    view = charger()
    view.connected("ocpp2.0.1", "192.0.2.8:1", 2, at(90))
    view.restore(memory, at(100))
    assert (view.boot, view.protocol, view.remote_addr, view.security_profile) == (BOOT, "ocpp2.0.1", "192.0.2.8", 2)
    again = remembered(view.announce(at(100)))
    assert [(record.remote_addr, record.boot) for record in again] == [("192.0.2.8", BOOT)]


def test_who_has_booted_meanwhile_keeps_what_only_the_store_knows() -> None:
    memory = with_a_past()
    assert memory.charger is not None
    view = charger()
    learn(view, BOOT, 90)
    view.restore(Memory(charger=replace(memory.charger, relative_meter=True)), at(100))
    assert view.last_boot == at(90).wall
    assert not view.may_be_triggered
    assert view.truth.sessions.relative_meter
    assert view.memory().charger in remembered(view.announce(at(100)))


def test_nothing_remembered_is_nothing_known() -> None:
    view = charger()
    view.restore(Memory(), at(100))
    assert view.memory() == Memory(charger=ChargerRecord())
    assert only(view.announce(at(100)), Remember) == []


# Quirks


NAMED = ("available-while-plugged",)


def test_quirks_that_the_configuration_names_are_told() -> None:
    view = charger(QUIRKS, NAMED)
    assert one(connect(view, 1), ChargerInfo).quirks == NAMED
    assert view.corrections.has(Trait.AVAILABLE_WHILE_PLUGGED)


def test_a_boot_shows_which_quirks_a_charger_has() -> None:
    quirk = Quirk("acme-loops", "", "", (Use("never_trigger"),), vendor=Pattern(("Acme",)))
    view = charger(Catalogue((quirk,)))
    assert one(learn(view, BOOT, 1), ChargerInfo).quirks == ("acme-loops",)
    assert not view.may_be_triggered


def test_a_quirk_that_is_named_while_it_runs_holds_at_once() -> None:
    view = charger(QUIRKS)
    connect(view, 1)
    learn(view, StatusReported(1, "Available"), 2)
    effects = view.govern(NAMED, QUIRKS, at(3))
    assert one(effects, ChargerInfo).quirks == NAMED
    assert one(effects, ConnectorState).meaning.plugged is None
    assert only(effects, Remember) == []
    assert view.govern(NAMED, QUIRKS, at(4)) == []
    assert one(view.govern((), QUIRKS, at(5)), ConnectorState).meaning.plugged is False
