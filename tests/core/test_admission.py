"""Who comes in: every verdict of upstream, for every kind of charger, and all that may happen while it waits."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.core.admission import HANDSHAKE_WITHIN_S, REDIAL_CAP_S, VERDICT_WITHIN_S
from gateway.core.effects import (
    AbandonDial,
    Admit,
    CloseLeg,
    Dial,
    Level,
    Note,
)
from gateway.core.events import DialAccepted, DialFailed, DialRefused, Event, Leg, TimerDue
from gateway.core.policy import UpstreamPolicy
from tests.core.chargers import CHARGERS, TRUSTED, compare, knock
from tests.core.drive import EPOCH, MINE, UPSTREAM, Drive, drive, known, only, status_of

DAY_S = 86_400.0


@pytest.mark.parametrize("kind", CHARGERS)
@pytest.mark.parametrize("check", ["first", "last", "never"])
def test_a_101_lets_anybody_in(kind: str, check: str) -> None:
    table, generation = knock(kind, check=check)
    table.accept(generation)
    if check == "last":
        compare(table, kind, generation)
    assert table.verdicts == {generation: Admit(generation, "ocpp1.6")}
    table.connect(generation)
    assert table.live() is not None
    assert table.all(AbandonDial) == []


@pytest.mark.parametrize("kind", CHARGERS)
@pytest.mark.parametrize("check", ["first", "last"])
@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_is_passed_on_except_to_a_trusted_charger(kind: str, check: str, status: int) -> None:
    table, generation = knock(kind, check=check)
    table.refuse(generation, status)
    if check == "last":
        compare(table, kind, generation)
    assert status_of(table.verdicts[generation]) == (503 if kind in TRUSTED else status)
    name, level = ("outage_refusal", Level.ERROR) if kind in TRUSTED else ("upstream_refused", Level.WARNING)
    (note,) = table.all(Note)
    assert (note.what, note.level, note.fields["HTTP_STATUS"]) == (name, level, str(status))
    assert table.saved == []
    assert table.station.admission.candidates == {}
    assert table.due == {}


def test_a_refusal_of_one_never_accepted_here_waits_for_no_comparison() -> None:
    table, generation = knock("accepted by another upstream only", check="never")
    table.refuse(generation, 403)
    assert status_of(table.verdicts[generation]) == 403
    assert table.checked(generation, True) == []


@pytest.mark.parametrize("kind", ["unchanged", "changed"])
def test_a_refusal_waits_for_the_comparison_but_not_for_ever(kind: str) -> None:
    table, generation = knock(kind, check="never")
    table.refuse(generation, 403)
    assert table.verdicts == {}
    table.elapse(VERDICT_WITHIN_S)
    assert status_of(table.verdicts[generation]) == 503
    assert table.checked(generation, True) == []


@pytest.mark.parametrize("kind", CHARGERS)
def test_no_verdict_within_three_seconds_is_503(kind: str) -> None:
    table, generation = knock(kind)
    table.elapse(VERDICT_WITHIN_S - 0.1)
    assert table.verdicts == {}
    table.elapse(0.1)
    assert status_of(table.verdicts[generation]) == 503
    assert table.counted["outage_unreachable"] == 1
    assert table.all(AbandonDial) == [AbandonDial(generation)]
    assert table.outage()


@pytest.mark.parametrize("kind", CHARGERS)
@pytest.mark.parametrize(
    "late",
    [
        lambda generation: DialAccepted(generation, "ocpp1.6"),
        lambda generation: DialRefused(generation, 404),
        lambda generation: DialFailed(generation, "late", 0.5),
    ],
    ids=["accepted", "refused", "failed"],
)
def test_a_late_verdict_leaves_nothing_behind(kind: str, late: Callable[[int], Event]) -> None:
    table, generation = knock(kind)
    table.elapse(VERDICT_WITHIN_S)
    assert table.feed(late(generation)) == [AbandonDial(generation)]
    assert len(table.verdicts) == 1
    assert table.saved == []


@pytest.mark.parametrize("kind", CHARGERS)
def test_an_upstream_out_of_reach_is_asked_again_within_the_three_seconds(kind: str) -> None:
    table, generation = knock(kind)
    dials = 1
    while not table.verdicts:
        assert len(table.all(Dial)) == dials
        table.fail(generation, draw=0.9)
        table.elapse(REDIAL_CAP_S)
        dials += 1
        assert dials < 20
    assert status_of(table.verdicts[generation]) == 503
    assert table.now.monotonic - EPOCH.monotonic <= VERDICT_WITHIN_S + REDIAL_CAP_S
    assert table.counted["outage_unreachable"] == 1
    assert table.counted["redial"] == len(table.all(Dial)) - 1
    assert {dial.generation for dial in table.all(Dial)} == {generation}


@pytest.mark.parametrize("kind", CHARGERS)
def test_an_upstream_that_comes_back_in_time_lets_the_charger_in(kind: str) -> None:
    table, generation = knock(kind)
    table.fail(generation)
    table.elapse(REDIAL_CAP_S)
    table.accept(generation)
    assert status_of(table.verdicts[generation]) == 101


def test_nobody_redials_after_the_verdict() -> None:
    table, generation = knock("unchanged")
    table.elapse(VERDICT_WITHIN_S - 0.05)
    table.fail(generation, draw=0.1)
    table.elapse(10)
    assert len(table.all(Dial)) == 2
    assert status_of(table.verdicts[generation]) == 503


@pytest.mark.parametrize("kind", CHARGERS)
@pytest.mark.parametrize("when", ["dialling", "redialling", "admitted"])
def test_a_charger_that_hangs_up_takes_its_dial_along(kind: str, when: str) -> None:
    table, generation = knock(kind, check="never")
    if when == "redialling":
        table.fail(generation)
    if when == "admitted":
        table.accept(generation)
    effects = table.vanish(generation)
    assert only(effects, AbandonDial) == [AbandonDial(generation)]
    assert table.counted["charger_vanished"] == 1
    assert table.due == {}
    compare(table, kind, generation)
    assert table.accept(generation) == [AbandonDial(generation)]
    table.elapse(60)
    assert table.live() is None
    assert len(table.all(Dial)) == 1


def test_hanging_up_twice_is_once() -> None:
    table, generation = knock("never accepted")
    table.vanish(generation)
    assert table.vanish(generation) == []


# The grace for a charger that upstream suddenly refuses


def _refused_again(table: Drive) -> int:
    generation = table.arrive()
    table.refuse(generation, 404)
    return status_of(table.verdicts[generation])


def test_grace_ends() -> None:
    table = drive(known())
    assert _refused_again(table) == 503
    table.elapse(DAY_S - 1)
    assert _refused_again(table) == 503
    table.elapse(1)
    assert _refused_again(table) == 404
    table.elapse(60)
    assert _refused_again(table) == 404


def test_grace_begins_anew_after_a_101() -> None:
    table = drive(known())
    assert _refused_again(table) == 503
    table.elapse(DAY_S - 60)
    table.online()
    table.lose(Leg.DOWN)
    table.elapse(60)
    assert _refused_again(table) == 503


def test_grace_is_configured() -> None:
    table = drive(known(), UpstreamPolicy("operator", refusal_grace_s=0.0))
    assert _refused_again(table) == 404


# After the 101


@pytest.mark.parametrize("offered", ["ocpp1.6", "soap"])
def test_an_upgrade_that_is_not_finished_is_given_up(offered: str) -> None:
    table = drive()
    generation = table.arrive(offered=(offered,))
    if offered == "ocpp1.6":
        table.accept(generation)
    effects = table.elapse(HANDSHAKE_WITHIN_S)
    assert [(close.leg, close.generation) for close in only(effects, CloseLeg)] == [
        (Leg.UP, generation),
        (Leg.DOWN, generation),
    ]
    assert table.counted["upgrade_unfinished"] == 1
    effects = table.connect(generation)
    assert [close.leg for close in only(effects, CloseLeg)] == [Leg.DOWN]
    assert table.live() is None


@pytest.mark.parametrize("stage", ["dialling", "admitted", "doomed"])
def test_a_stop_ends_whoever_waits(stage: str) -> None:
    table = drive(known())
    generation = table.arrive(offered=("soap",) if stage == "doomed" else ("ocpp1.6",))
    if stage == "admitted":
        table.accept(generation)
    effects = table.stop()
    assert only(effects, AbandonDial) == [AbandonDial(generation)]
    assert status_of(table.verdicts[generation]) == (503 if stage == "dialling" else 101)
    assert len(only(effects, CloseLeg)) == (stage != "dialling")
    assert table.station.admission.candidates == {}
    assert table.due == {}


def test_a_timer_is_told_apart_from_those_of_others() -> None:
    table = drive()
    table.arrive(MINE)
    second = table.arrive(MINE)
    assert table.feed(TimerDue("lunch")) == []
    table.feed(TimerDue(f"verdict:{second}"))
    assert list(table.verdicts) == [second]


@pytest.mark.parametrize("key", ["verdict", "redial"])
def test_a_timer_that_comes_after_the_101_changes_nothing(key: str) -> None:
    table = drive()
    generation = table.arrive()
    table.accept(generation)
    assert table.feed(TimerDue(f"{key}:{generation}")) == []
    table.connect(generation)
    assert table.live() is not None


def test_nobody_at_the_door_is_no_outage() -> None:
    table = drive(known())
    assert not table.outage()
    table.elapse(0)
    table.fail(table.arrive(), draw=0.0)
    assert not table.outage()
    table.elapse(VERDICT_WITHIN_S)
    assert table.outage()
    table.online()
    assert not table.outage()


def test_the_upstream_is_named_in_what_an_operator_reads() -> None:
    table = drive(known())
    table.refuse(table.arrive())
    table.elapse(VERDICT_WITHIN_S)
    table.arrive()
    table.elapse(VERDICT_WITHIN_S)
    assert [UPSTREAM.name in note.text for note in table.all(Note)] == [True, True]
