"""One charger as a whole: its way in, its availability, the end of the daemon, and the end of a bug."""

from __future__ import annotations

import pytest

from gateway.core.effects import (
    AbandonDial,
    Arm,
    CheckCredentials,
    CloseLeg,
    Disarm,
    Effect,
    Level,
    Note,
    Ping,
    Publish,
    ReadUpstream,
    Refuse,
)
from gateway.core.events import (
    Leg,
    TimerDue,
)
from gateway.core.facts import ChargerInfo, ChargerState, ChargerStatus, ConnectivityChanged, ConnectorState, Faults
from gateway.core.station import BEAT_EVERY_S, OFFLINE_AFTER_S
from tests.core.drive import HASH, MINE, OTHER, drive, known, only
from tests.core.texts import call, status


def publications(effects: list[Effect]) -> list[str]:
    return [type(publish.fact).__name__ for publish in only(effects, Publish)]


# In


def test_a_charger_comes_in() -> None:
    table = drive()
    generation = table.arrive(remote="192.0.2.7:50000")
    table.accept(generation)
    effects = table.connect(generation)
    assert only(effects, ReadUpstream) == [ReadUpstream(generation)]
    assert publications(effects) == ["ChargerStatus", "ChargerInfo", "ChargerState", "ConnectivityChanged"]
    assert table.published(ConnectivityChanged)[-1].kind == "online"
    assert table.published(ChargerStatus)[-1].online
    state, info = table.published(ChargerState)[-1], table.published(ChargerInfo)[-1]
    assert (state.remote_addr, info.protocol) == ("192.0.2.7", "ocpp1.6")
    note = only(effects, Note)[0]
    assert (note.what, note.level) == ("charger_connected", Level.INFO)
    assert note.fields == {"REMOTE": "192.0.2.7:50000", "UPSTREAM": "operator", "SUBPROTOCOL": "ocpp1.6"}
    assert "strict_relay" in note.text


@pytest.mark.parametrize(
    ("authorization", "listener", "profile"),
    [(None, "ws://x", 0), (None, "wss://x", 0), (MINE, "ws://x", 1), (MINE, "wss://x", 2)],
)
def test_the_security_profile_is_what_the_down_leg_shows(
    authorization: str | None, listener: str, profile: int
) -> None:
    table = drive()
    generation = table.arrive(authorization, listener=listener)
    table.accept(generation)
    table.connect(generation)
    assert table.published(ChargerInfo)[-1].security_profile == profile


def test_an_identity_that_others_may_refuse_is_said() -> None:
    table = drive()
    generation = table.arrive(identity="x" * 49)
    table.accept(generation)
    table.connect(generation)
    assert table.counted["long_identity"] == 1


def test_an_upgrade_nobody_knows_of_is_closed() -> None:
    table = drive()
    effects = table.connect(99)
    assert [(close.leg, close.generation) for close in only(effects, CloseLeg)] == [(Leg.DOWN, 99)]
    assert table.live() is None


# Availability


def test_a_charger_that_redials_at_once_was_never_away() -> None:
    table = drive(known())
    table.online()
    table.charger(status("1"))
    table.lose(Leg.DOWN, 1006)
    table.elapse(OFFLINE_AFTER_S - 0.1)
    table.online()
    table.elapse(OFFLINE_AFTER_S)
    assert all(fact.online for fact in table.published(ChargerStatus))
    assert not any(fact.stale for fact in table.published(ConnectorState))


def test_a_charger_that_stays_away_is_offline_and_its_connectors_old() -> None:
    table = drive(known())
    table.online()
    table.charger(status("1", 0))
    table.charger(status("2", 1, "Charging"))
    table.lose(Leg.UP, 1001)
    lost_at = table.now.wall
    effects = table.elapse(OFFLINE_AFTER_S)
    assert set(publications(effects)) == {
        "ChargerStatus",
        "ChargerState",
        "ConnectivityChanged",
        "ConnectorState",
        "Faults",
    }
    assert not table.published(ChargerStatus)[-1].online
    assert table.published(ConnectivityChanged)[-1].kind == "offline"
    assert [fact.stale for fact in table.published(Faults)] == [False, True]
    state = table.published(ConnectorState)[-1]
    assert (state.record.report.status, state.stale, state.stale_reason) == ("Charging", True, "charger_offline")
    assert table.published(ChargerState)[-1].since == lost_at
    table.elapse(600)
    assert table.effects[-1] is effects[-1]
    table.online()
    table.reports("Charging")
    assert [(fact.kind, fact.reconnects_24h) for fact in table.published(ConnectivityChanged)] == [
        ("online", 0),
        ("offline", 0),
        ("online", 1),
    ]


def test_offline_is_told_once() -> None:
    table = drive(known())
    assert table.feed(TimerDue("offline")) == []
    table.online()
    table.lose(Leg.DOWN)
    table.elapse(OFFLINE_AFTER_S)
    assert table.feed(TimerDue("offline")) == []


def test_an_online_charger_is_confirmed_every_minute() -> None:
    table = drive(known(), refresh=False)
    table.online()
    before = len(table.published(ChargerState))
    for _ in range(6):
        table.elapse(BEAT_EVERY_S / 2)
        table.pong(Leg.DOWN)
        table.pong(Leg.UP)
    beats = table.published(ChargerState)[before:]
    assert len(beats) == 3
    assert all(state.online for state in beats)
    assert beats[-1].at == table.now.wall


def test_a_beat_that_comes_too_late_is_the_last() -> None:
    table = drive(known())
    table.online()
    table.lose(Leg.DOWN)
    assert table.feed(TimerDue("beat")) == []


def test_reconnects_are_counted_over_a_day() -> None:
    table = drive(known())
    for _ in range(3):
        table.online()
        table.lose(Leg.DOWN)
    assert table.published(ChargerState)[-1].reconnects_24h == 2
    table.elapse(86_400)
    table.online()
    assert table.published(ChargerState)[-1].reconnects_24h == 1


def test_a_known_charger_is_announced_as_offline() -> None:
    table = drive(known())
    effects = table.station.announce(table.now)
    assert publications(effects) == ["ChargerStatus", "ChargerState"]
    facts = [publish.fact for publish in only(effects, Publish)]
    assert [fact.online for fact in facts if isinstance(fact, ChargerStatus | ChargerState)] == [False, False]


def test_idle_is_who_left_no_trace() -> None:
    stranger = drive()
    assert stranger.idle()
    generation = stranger.arrive()
    assert not stranger.idle()
    stranger.refuse(generation)
    assert stranger.idle()
    stranger.online()
    assert not stranger.idle()
    stranger.lose(Leg.DOWN)
    assert not stranger.idle()
    assert not drive(known()).idle()


# The end


def test_a_stop_closes_both_legs_and_says_offline() -> None:
    table = drive(known())
    table.online()
    table.charger(status("1"))
    effects = table.stop()
    assert [(close.leg, close.code, close.discard) for close in only(effects, CloseLeg)] == [
        (Leg.UP, 1000, False),
        (Leg.DOWN, 1012, False),
    ]
    assert not table.published(ChargerStatus)[-1].online
    assert table.published(ConnectorState)[-1].stale
    assert table.due == {}
    assert table.live() is None


def test_a_stop_tells_of_a_charger_that_has_just_left() -> None:
    table = drive(known())
    table.online()
    table.lose(Leg.DOWN)
    assert "ChargerStatus" in publications(table.stop())
    assert table.due == {}


def test_a_stop_without_a_charger_says_nothing() -> None:
    table = drive(known())
    assert table.stop() == [Disarm("offline")]


def test_a_frame_after_the_end_is_counted_and_dropped() -> None:
    table = drive(known())
    table.online()
    table.stop()
    effects = table.charger(call("1"))
    assert [note.what for note in only(effects, Note)] == ["stale_connection"]
    assert len(effects) == 1


def test_a_timer_of_a_connection_that_ended_does_nothing() -> None:
    table = drive(known())
    table.online()
    table.lose(Leg.DOWN)
    assert table.feed(TimerDue("ping:down:1")) == []


@pytest.mark.parametrize("waiting", [True, False])
def test_after_a_bug_every_connection_ends_and_the_charger_may_come_back(waiting: bool) -> None:
    table = drive(known(HASH))
    live = table.online(MINE)
    generations = [live, table.arrive(OTHER)] if waiting else [live]
    assert len(table.all(CheckCredentials)) == 1
    effects = table.station.forget_connection()
    table.effects += effects
    assert [dial.generation for dial in only(effects, AbandonDial)] == generations
    assert [refusal.generation for refusal in only(effects, Refuse)] == generations
    assert [(close.generation, close.leg, close.code) for close in only(effects, CloseLeg)] == [
        (generation, Leg.DOWN, 1011) for generation in generations
    ]
    assert only(effects, Arm) == [Arm("offline", OFFLINE_AFTER_S)]
    assert table.live() is None
    again = table.online(MINE)
    assert table.live() == again


def test_after_a_bug_at_the_door_nobody_is_left_there() -> None:
    table = drive()
    generation = table.arrive()
    effects = table.station.forget_connection()
    assert [refusal.generation for refusal in only(effects, Refuse)] == [generation]
    assert table.idle()


def test_pings_are_of_the_live_connection_only() -> None:
    table = drive(known())
    table.online()
    table.online()
    before = len(table.effects)
    table.elapse(60)
    assert {ping.generation for ping in only(table.effects[before:], Ping)} == {2}


def test_what_stands_retained_of_a_known_charger_is_not_replaced_by_less() -> None:
    table = drive(known())
    table.online()
    table.charger(call("1", "StatusNotification", {"connectorId": 1, "status": "Available", "errorCode": "NoError"}))
    assert table.published(ChargerInfo) == []
    table.charger(call("2", "BootNotification", {"chargePointVendor": "A", "chargePointModel": "B"}))
    assert [info.connectors for info in table.published(ChargerInfo)] == [(1,)]


def test_a_charger_never_seen_is_told_at_once() -> None:
    table = drive()
    assert publications(table.station.announce(table.now)) == ["ChargerStatus", "ChargerInfo", "ChargerState"]
