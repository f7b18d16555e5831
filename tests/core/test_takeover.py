"""A second socket of the same identity: who wins, what ends first, and that nothing of the old one has any effect."""

from __future__ import annotations

import pytest

from gateway.core.admission import MOST_CANDIDATES, VERDICT_WITHIN_S
from gateway.core.effects import (
    AbandonDial,
    Admit,
    CloseLeg,
    Dial,
    Effect,
    Level,
    Note,
    Refuse,
)
from gateway.core.events import (
    ChargerConnected,
    ChargerVanished,
    CredentialsChecked,
    CredentialsHashed,
    DialAccepted,
    DialFailed,
    DialRefused,
    Event,
    FrameReceived,
    Leg,
    LegHeard,
    LegLost,
    ReadingPaused,
    ReadingResumed,
    TimerDue,
)
from gateway.core.facts import ChargerStatus
from gateway.core.frames import parse
from gateway.core.station import OFFLINE_AFTER_S
from tests.core.drive import HASH, MINE, OTHER, Drive, drive, known, only, order, status_of
from tests.core.texts import call, result

# Beside a live connection


def takeover(authorization: str | None, unchanged: bool | None) -> tuple[Drive, int, list[Effect]]:
    """A live charger, and a second socket; returns what the second one caused before any answer of upstream."""
    table = drive(known(HASH if unchanged is not None else None))
    first = table.arrive(authorization)
    table.accept(first)
    if unchanged is not None:
        table.checked(first, True)
    table.connect(first)
    before = len(table.effects)
    second = table.arrive(authorization if unchanged is not False else OTHER)
    if unchanged is not None:
        assert table.all(Dial)[1:] == []
        table.checked(second, unchanged)
    return table, second, table.effects[before:]


@pytest.mark.parametrize(("authorization", "unchanged"), [(None, None), (MINE, True)])
def test_the_same_credentials_take_over_at_once_up_leg_first(authorization: str | None, unchanged: bool | None) -> None:
    table, second, effects = takeover(authorization, unchanged)
    assert order(effects) == [
        CloseLeg(Leg.UP, 1, 1000, "replaced by a newer connection", discard=True),
        CloseLeg(Leg.DOWN, 1, 1001, "replaced by a newer connection", discard=True),
        Dial(second, "operator", "CP01", ("ocpp1.6",), authorization),
    ]
    assert table.counted["taken_over"] == 1
    assert table.live() is None
    table.accept(second)
    table.connect(second)
    assert table.live() == second
    table.elapse(OFFLINE_AFTER_S)
    assert all(fact.online for fact in table.published(ChargerStatus))


def test_other_credentials_take_over_only_with_a_101() -> None:
    table, second, effects = takeover(MINE, unchanged=False)
    assert [type(effect) for effect in order(effects)] == [Dial]
    table.charger(call("1"), 1)
    assert table.sent[Leg.UP, 1] == [call("1")]
    effects = table.accept(second)
    assert [type(effect) for effect in order(effects)] == [CloseLeg, CloseLeg, Admit]
    assert [close.leg for close in only(effects, CloseLeg)] == [Leg.UP, Leg.DOWN]
    table.connect(second)
    assert table.live() == second


@pytest.mark.parametrize("ending", ["refused", "unreachable", "silence", "vanished"])
def test_other_credentials_without_a_101_leave_the_live_one_alone(ending: str) -> None:
    table, second, _ = takeover(MINE, unchanged=False)
    if ending == "refused":
        table.refuse(second, 401)
        assert status_of(table.verdicts[second]) == 401
    elif ending == "unreachable":
        table.elapse(2.9)
        table.fail(second, draw=0.9)
        assert status_of(table.verdicts[second]) == 503
    elif ending == "silence":
        table.elapse(3)
        assert status_of(table.verdicts[second]) == 503
    else:
        table.vanish(second)
    assert table.all(CloseLeg) == []
    table.charger(call("1"), 1)
    assert table.sent[Leg.UP, 1] == [call("1")]


def test_credentials_that_nobody_compared_in_time_do_not_take_over() -> None:
    table = drive(known(HASH))
    table.checked(table.online(MINE), True)
    second = table.arrive(MINE)
    table.elapse(3)
    assert status_of(table.verdicts[second]) == 503
    assert table.all(CloseLeg) == []
    assert len(table.all(Dial)) == 1
    assert table.checked(second, True) == []


@pytest.mark.parametrize("unchanged", [True, False])
def test_a_live_one_that_leaves_meanwhile_needs_no_takeover(unchanged: bool) -> None:
    table = drive(known(HASH))
    table.checked(table.online(MINE), True)
    second = table.arrive(MINE if unchanged else OTHER)
    table.lose(Leg.DOWN, generation=1)
    table.checked(second, unchanged)
    assert table.counted["taken_over"] == 0
    table.accept(second)
    table.connect(second)
    assert table.live() is not None


@pytest.mark.parametrize("proven", [True, False])
def test_credentials_whose_hash_is_under_way_are_compared_as_they_are(proven: bool) -> None:
    table = drive(known(HASH) if proven else None)
    first = table.online(MINE)
    assert table.arrive(OTHER) in table.station.admission.candidates
    assert table.counted["taken_over"] == 0
    second = table.online(MINE)
    assert table.counted["taken_over"] == 1
    # Whose hash is kept: that of the newest 101.
    table.feed(CredentialsChecked(first, proven))
    table.feed(CredentialsHashed(first, "scrypt$old"))
    assert table.station.record is not None
    assert table.station.record.credential_hash == (HASH if proven else None)
    table.feed(CredentialsHashed(second, "scrypt$new"))
    assert table.station.record.credential_hash == "scrypt$new"
    assert MINE not in repr(table.station)


def test_a_takeover_that_upstream_refuses_leaves_the_charger_offline() -> None:
    table, second, _ = takeover(None, None)
    table.refuse(second, 404)
    table.elapse(OFFLINE_AFTER_S)
    assert not table.published(ChargerStatus)[-1].online


OLD_EVENTS: list[Event] = [
    FrameReceived(Leg.DOWN, 1, parse(call("1", "StatusNotification", {"connectorId": 1, "status": "Charging"}))),
    FrameReceived(Leg.UP, 1, parse(call("1", "Reset"))),
    FrameReceived(Leg.UP, 1, parse(result("2"))),
    LegHeard(Leg.DOWN, 1),
    LegLost(Leg.DOWN, 1, 1000, ""),
    LegLost(Leg.UP, 1, 1006, ""),
    ReadingPaused(Leg.DOWN, 1),
    ReadingResumed(Leg.UP, 1),
    ChargerVanished(1),
    CredentialsChecked(1, unchanged=True),
    CredentialsChecked(1, unchanged=False),
    CredentialsHashed(1, "scrypt$old"),
    *(TimerDue(f"{key}:1") for key in ("verdict", "redial", "handshake", "refresh", "expire")),
    *(TimerDue(f"{key}:{leg.value}:1") for key in ("ping", "idle") for leg in Leg),
    TimerDue("offline"),
]


@pytest.mark.parametrize("event", OLD_EVENTS, ids=repr)
def test_nothing_of_an_old_connection_has_any_effect(event: Event) -> None:
    table = drive(known())
    table.online()
    table.online()
    table.charger(call("2"))
    record = table.station.record
    assert only_notes(table.feed(event))
    assert table.live() == 2
    assert table.station.record is record
    table.upstream(result("2"))
    assert table.sent[Leg.DOWN, 2] == [result("2")]


def only_notes(effects: list[Effect]) -> bool:
    return all(isinstance(effect, Note) and effect.level is Level.DEBUG for effect in effects)


@pytest.mark.parametrize(
    "event", [DialAccepted(1, "ocpp1.6"), DialRefused(1, 404), DialFailed(1, "late", 0.5)], ids=repr
)
def test_an_old_dial_is_given_up(event: Event) -> None:
    table = drive(known())
    table.online()
    table.online()
    assert table.feed(event) == [AbandonDial(1)]
    assert table.live() is not None


def test_an_old_upgrade_is_closed() -> None:
    table = drive(known())
    table.online()
    table.online()
    effects = table.feed(ChargerConnected(1))
    assert [(close.leg, close.generation) for close in only(effects, CloseLeg)] == [(Leg.DOWN, 1)]


# More than one at the door


def test_a_crowd_of_one_identity_is_bounded() -> None:
    table = drive()
    for _ in range(MOST_CANDIDATES):
        table.arrive(MINE)
    surplus = table.arrive(MINE)
    assert status_of(table.verdicts[surplus]) == 503
    assert table.counted["too_many_candidates"] == 1
    assert len(table.all(Dial)) == MOST_CANDIDATES
    table.elapse(VERDICT_WITHIN_S)
    assert sorted(map(status_of, table.verdicts.values())) == [503] * (MOST_CANDIDATES + 1)
    table.online(MINE)
    assert table.live() is not None


def test_the_older_ones_at_the_door_give_way_to_a_101() -> None:
    table = drive()
    older, newer = table.arrive(MINE), table.arrive(MINE)
    effects = table.accept(newer)
    assert order(effects)[-1] == Admit(newer, "ocpp1.6")
    assert only(effects, AbandonDial) == [AbandonDial(older)]
    assert status_of(table.verdicts[older]) == 503
    assert table.accept(older) == [AbandonDial(older)]
    table.connect(newer)
    assert table.live() == newer


def test_an_older_one_that_was_let_in_gives_way_too() -> None:
    table = drive()
    older, newer = table.arrive(MINE), table.arrive(MINE)
    table.accept(older)
    effects = table.accept(newer)
    assert only(effects, AbandonDial) == [AbandonDial(older)]
    assert [(close.leg, close.generation) for close in only(effects, CloseLeg)] == [(Leg.DOWN, older)]
    table.connect(newer)
    effects = table.connect(older)
    assert [(close.leg, close.generation) for close in only(effects, CloseLeg)] == [(Leg.DOWN, older)]
    assert table.live() == newer


def test_the_older_ones_of_the_same_charger_give_way_before_the_new_dial() -> None:
    table = drive(known())
    older = table.arrive()
    table.accept(older)
    table.arrive()
    third = table.arrive()
    kinds = [
        (type(effect).__name__, effect.generation)
        for effect in table.effects
        if isinstance(effect, AbandonDial | Dial | Refuse)
    ]
    assert kinds == [
        ("Dial", 1),
        ("AbandonDial", 1),
        ("Dial", 2),
        ("AbandonDial", 2),
        ("Refuse", 2),
        ("Dial", 3),
    ]
    table.accept(third)
    assert status_of(table.verdicts[third]) == 101


def test_a_newer_one_still_has_its_chance_after_a_101() -> None:
    table = drive()
    older, newer = table.arrive(MINE), table.arrive(OTHER)
    table.accept(older)
    table.connect(older)
    table.accept(newer)
    table.connect(newer)
    assert table.live() == newer
    assert {close.generation for close in table.all(CloseLeg)} == {older}


def test_a_charger_without_a_common_version_disturbs_nobody() -> None:
    table = drive(known())
    doomed = table.arrive(offered=("soap",))
    generation = table.online()
    table.connect(doomed)
    assert [(close.leg, close.generation) for close in table.all(CloseLeg)] == [(Leg.DOWN, doomed)]
    assert table.live() == generation
