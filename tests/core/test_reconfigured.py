"""A station under a configuration that changes: what holds goes on, and nothing of the old terms outlives them."""

from __future__ import annotations

import pytest

from gateway.core.effects import AbandonDial, CloseLeg, Dial, Effect, HashCredentials, Level, Note, Ping, SaveStation
from gateway.core.events import Leg, StopRequested
from gateway.core.facts import ChargerStatus
from gateway.core.liveness import PING_EVERY_S
from gateway.core.memory import NOTHING
from gateway.core.policy import StationPolicy, UpstreamPolicy
from gateway.core.record import Standing
from gateway.core.station import RESTARTING
from tests.core.drive import EPOCH, HASH, MINE, OTHER, UPSTREAM, Drive, closes, connected, drive, known, only, status_of
from tests.core.scenes import boot
from tests.core.texts import call, status

SAME = StationPolicy(UPSTREAM)
ELSEWHERE = StationPolicy(UpstreamPolicy("elsewhere"))
UNUSABLE = StationPolicy(UPSTREAM, unusable="charger CP01 is refused: create the file, then reload")

OTHER_TERMS = [ELSEWHERE, UNUSABLE, StationPolicy(None), StationPolicy(UPSTREAM, password="secret")]


# A connection under way


def test_a_connection_goes_on_under_the_same_terms() -> None:
    table = connected()
    assert closes(table.configure(SAME)) == []
    assert closes(table.configure(StationPolicy(UPSTREAM, pings=False, idle_limit_s=60.0))) == []
    table.charger(call("1"))
    assert table.sent[Leg.UP, table.generation] == [call("1")]
    assert table.station.policy.idle_limit_s == 60.0


def test_a_running_connection_is_held_to_the_new_limit() -> None:
    table = connected()
    boot(table, interval=10)
    table.configure(StationPolicy(UPSTREAM, idle_limit_s=40.0))
    table.elapse(20.0)
    table.pong(Leg.UP)
    table.elapse(19.0)
    assert table.live() is not None
    table.elapse(2.0)
    assert table.live() is None
    assert table.counted["charger_silent"] == 1


@pytest.mark.parametrize("pings", [True, False])
def test_a_running_connection_is_pinged_or_not_from_now_on(pings: bool) -> None:
    table = connected(pings=not pings)
    table.configure(StationPolicy(UPSTREAM, pings=pings, idle_limit_s=600.0))
    before = len([ping for ping in table.all(Ping) if ping.leg is Leg.DOWN])
    table.elapse(PING_EVERY_S + 1)
    assert len([ping for ping in table.all(Ping) if ping.leg is Leg.DOWN]) - before == int(pings)


def test_each_connector_is_written_once() -> None:
    table = connected()
    table.charger(status("1", connector=0))
    table.charger(status("2", connector=2))
    table.charger(status("3", connector=2, word="Charging"))
    table.charger(status("4", connector=1))
    assert [record.connectors for record in table.saved][-2:] == [frozenset({2}), frozenset({1, 2})]
    written = len(table.saved)
    table.charger(status("5", connector=1, word="Preparing"))
    assert len(table.saved) == written


@pytest.mark.parametrize("policy", OTHER_TERMS)
def test_a_connection_ends_with_the_terms_it_was_let_in_under(policy: StationPolicy) -> None:
    table = connected()
    effects = table.configure(policy)
    assert closes(effects) == [(Leg.UP, 1000), (Leg.DOWN, RESTARTING)]
    assert table.counted["policy_changed"] == 1
    before = table.sent[Leg.UP, table.generation].copy()
    table.charger(call("1"))
    assert table.sent[Leg.UP, table.generation] == before
    assert table.live() is None


def test_a_connection_ends_when_its_upstream_has_moved() -> None:
    table = connected()
    table.configure(SAME, redial=True)
    assert table.live() is None
    again = table.arrive()
    assert only(table.effects, Dial)[-1].generation == again


def test_a_charger_that_redials_after_a_change_was_never_away() -> None:
    table = connected()
    table.configure(ELSEWHERE)
    table.elapse(1.0)
    table.online()
    assert [fact.online for fact in table.published(ChargerStatus)] == [True, True]
    assert table.station.record is not None
    assert set(table.station.record.accepted) == {"operator", "elsewhere"}


# At the door


@pytest.mark.parametrize("policy", OTHER_TERMS)
def test_who_waits_is_sent_back_to_ask_under_the_new_terms(policy: StationPolicy) -> None:
    table = drive(known())
    waiting = table.arrive()
    effects = table.configure(policy)
    assert only(effects, AbandonDial) == [AbandonDial(waiting)]
    assert status_of(table.verdicts[waiting]) == 503
    assert only(table.accept(waiting), AbandonDial) == [AbandonDial(waiting)]
    assert table.live() is None


def test_who_waits_goes_on_waiting_under_the_same_terms() -> None:
    table = drive(known())
    waiting = table.arrive()
    assert table.configure(StationPolicy(UPSTREAM, refresh=False)) == []
    table.accept(waiting)
    assert status_of(table.verdicts[waiting]) == 101


def test_an_upgrade_that_was_granted_under_the_old_terms_is_not_finished() -> None:
    table = drive(known())
    admitted = table.arrive()
    table.accept(admitted)
    table.configure(UNUSABLE)
    assert [close.leg for close in only(table.connect(admitted), CloseLeg)] == [Leg.DOWN]
    assert table.live() is None


def test_nobody_is_let_in_while_the_configuration_lacks_what_it_needs() -> None:
    table = drive(known())
    table.configure(UNUSABLE)
    for authorization in (None, MINE, OTHER):
        generation = table.arrive(authorization)
        assert status_of(table.verdicts[generation]) == 503
    assert table.all(Dial) == []
    notes = [note for note in table.all(Note) if note.what == "configuration_unusable"]
    assert [note.level for note in notes] == [Level.ERROR] * 3
    assert UNUSABLE.unusable is not None
    assert UNUSABLE.unusable in notes[0].text
    table.configure(SAME)
    assert table.online() == 4
    assert table.live() == 4


# What upstream said before


def test_an_outage_of_another_upstream_is_forgotten() -> None:
    table = drive(known())
    table.refuse(table.arrive())
    assert table.outage()
    table.configure(StationPolicy(UPSTREAM, pings=False))
    assert table.outage()
    table.configure(ELSEWHERE)
    assert not table.outage()


def test_the_grace_of_a_refusal_begins_anew_under_other_terms() -> None:
    table = drive(known())
    table.refuse(table.arrive())
    table.elapse(UPSTREAM.refusal_grace_s - 1)
    table.configure(SAME, redial=True)
    table.elapse(2.0)
    again = table.arrive()
    table.refuse(again)
    assert status_of(table.verdicts[again]) == 503


@pytest.mark.parametrize("reason", ["connection refused", "timed out"])
def test_why_a_charger_was_kept_out_says_what_to_do(reason: str) -> None:
    table = drive(known())
    waiting = table.arrive()
    table.elapse(2.9)
    table.fail(waiting, reason)
    outage = table.station.admission.outage
    assert outage is not None
    assert outage == f"upstream operator cannot be reached ({reason}): check its url and the network"
    table.online()
    assert table.station.admission.outage is None


# By what right


@pytest.mark.parametrize(
    ("standing", "before", "after"),
    [
        (Standing.CONFIGURED, Standing.CONFIGURED, Standing.CONFIGURED),
        (Standing.CONFIGURED, Standing.ADOPTED, Standing.ADOPTED),
        (Standing.CONFIGURED, Standing.ACCEPTED, Standing.ACCEPTED),
        (Standing.ACCEPTED, Standing.CONFIGURED, Standing.ACCEPTED),
        (Standing.ACCEPTED, Standing.ADOPTED, Standing.ADOPTED),
    ],
)
def test_the_row_keeps_the_better_right(standing: Standing, before: Standing, after: Standing) -> None:
    row = known().known_by(Standing.CONFIGURED)
    table = drive(row)
    stored = type(row)(row.identity, row.slug, row.first_seen, row.accepted, row.subprotocol, None, before)
    table.carry_out(table.station.learn(stored, NOTHING, table.now))
    table.configure(SAME, standing)
    table.online()
    assert table.station.record is not None
    assert table.station.record.standing is after
    assert len(table.saved) == (before is not after)


@pytest.mark.parametrize("standing", [Standing.CONFIGURED, Standing.ACCEPTED])
def test_a_first_row_says_by_what_right_it_came(standing: Standing) -> None:
    table = drive()
    table.configure(SAME, standing)
    table.online()
    assert [row.standing for row in table.saved] == [standing]


def test_a_row_that_was_read_late_is_what_is_known() -> None:
    table = drive()
    row = known(HASH)
    table.carry_out(table.station.learn(row, NOTHING, table.now))
    assert table.station.settled == row
    assert table.station.view.first_seen == EPOCH.wall
    waiting = table.arrive(OTHER)
    table.checked(waiting, unchanged=False)
    table.refuse(waiting)
    assert status_of(table.verdicts[waiting]) == 404


def test_a_row_is_not_handed_on_without_the_hash_of_its_credentials() -> None:
    table = drive(known(HASH))
    before = table.station.settled
    generation = table.arrive(OTHER)
    table.checked(generation, unchanged=False)
    effects = table.accept(generation)
    assert only(effects, HashCredentials) == [HashCredentials(generation, OTHER)]
    assert table.station.settled == before
    table.hashed(generation, "scrypt$new")
    assert table.station.settled == table.saved[-1]
    assert table.saved[-1].credential_hash == "scrypt$new"


# The end


def stopped(stage: str) -> tuple[Drive, list[Effect]]:
    """A charger that is let go while it is at this stage."""
    table = drive(known())
    generation = table.arrive()
    if stage != "waiting":
        table.accept(generation)
    if stage == "connected":
        table.connect(generation)
    return table, table.feed(StopRequested(1008, "this charger was forgotten"))


def test_whoever_is_let_go_hears_why() -> None:
    table, effects = stopped("connected")
    down = [close for close in only(effects, CloseLeg) if close.leg is Leg.DOWN]
    assert [(close.code, close.reason) for close in down] == [(1008, "this charger was forgotten")]
    assert table.published(ChargerStatus)[-1] == ChargerStatus("cp01", online=False)
    assert table.due == {}
    assert only(effects, SaveStation) == []


@pytest.mark.parametrize("stage", ["waiting", "admitted"])
def test_whoever_is_let_go_at_the_door_does_not_come_in(stage: str) -> None:
    table, _ = stopped(stage)
    assert status_of(table.verdicts[1]) == (503 if stage == "waiting" else 101)
    assert only(table.connect(1), CloseLeg) != []
    assert (table.live(), table.due) == (None, {})
