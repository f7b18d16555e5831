"""Bad input on either leg: relayed, counted, bounded; and firmware whose frames upstream cannot stand."""

from __future__ import annotations

import pytest

from gateway.core.effects import Answer, CloseLeg, Effect, Level, Note, Send
from gateway.core.events import Leg
from gateway.core.unparsable import CLOSED_WITHIN_S, CLOSES_BEFORE_HOLDING, MOST_PER_MINUTE, MOST_UNASKED_PER_MINUTE
from tests.core.drive import Drive, closes, connected, drive, known, only
from tests.core.texts import call, result

GARBAGE = "\x00garbage"


@pytest.mark.parametrize("leg", Leg)
def test_too_deep_closes_with_1009(leg: Leg) -> None:
    table = connected()
    effects = table.says(leg, "[" * 100)
    assert closes(effects)[0] == (leg, 1009)
    assert {close.leg for close in only(effects, CloseLeg)} == set(Leg)
    assert table.counted["too_deep"] == 1
    assert only(effects, Send) == []
    assert table.live() is None


@pytest.mark.parametrize("leg", Leg)
def test_a_flood_of_unparsable_frames_closes_with_1002(leg: Leg) -> None:
    table = connected()
    for _ in range(MOST_PER_MINUTE):
        table.says(leg, GARBAGE)
    assert table.sent[leg.other, 1] == [GARBAGE] * MOST_PER_MINUTE
    effects = table.says(leg, GARBAGE)
    assert closes(effects)[0] == (leg, 1002)
    assert table.counted["unparsable_flood"] == 1
    assert len(table.sent[leg.other, 1]) == MOST_PER_MINUTE


def test_there_is_no_ban_after_a_flood() -> None:
    table = connected()
    for _ in range(MOST_PER_MINUTE + 1):
        table.charger(GARBAGE)
    table.online()
    table.charger(GARBAGE)
    assert table.live() is not None
    assert table.sent[Leg.UP, 2] == [GARBAGE]


def test_a_trickle_of_unparsable_frames_is_no_flood() -> None:
    table = connected()
    for _ in range(3 * MOST_PER_MINUTE):
        table.elapse(60 / MOST_PER_MINUTE)
        table.pong(Leg.UP)
        table.charger(GARBAGE)
    assert table.live() is not None


def _upstream_closes_after_garbage(table: Drive, pause_s: float = CLOSED_WITHIN_S) -> list[Effect]:
    table.online()
    table.charger(GARBAGE)
    table.elapse(pause_s)
    return table.lose(Leg.UP, 1002, "protocol error")


def test_unparsable_frames_that_upstream_cannot_stand_are_held_back() -> None:
    table = drive(known())
    for _ in range(CLOSES_BEFORE_HOLDING):
        _upstream_closes_after_garbage(table)
    (note,) = [note for note in table.all(Note) if note.what == "unparsable_held"]
    assert note.level is Level.ERROR
    table.online()
    table.charger(GARBAGE)
    assert table.sent[Leg.UP, table.generation] == []
    assert table.counted["unparsable_held_back"] == 1
    table.charger('[2,"5"]')
    assert len(table.all(Answer)) == 1
    table.upstream(GARBAGE)
    assert table.sent[Leg.DOWN, table.generation][-1] == GARBAGE
    table.charger(call("1"))
    assert table.sent[Leg.UP, table.generation] == [call("1")]


def test_a_close_long_after_an_unparsable_frame_is_not_its_fault() -> None:
    table = drive(known())
    for _ in range(CLOSES_BEFORE_HOLDING):
        _upstream_closes_after_garbage(table, CLOSED_WITHIN_S + 1)
    assert table.counted["unparsable_held"] == 0
    table.online()
    table.charger(GARBAGE)
    assert table.sent[Leg.UP, table.generation] == [GARBAGE]


@pytest.mark.parametrize("talker", Leg)
def test_a_flood_of_answers_that_nobody_asked_for_ends_the_connection(talker: Leg) -> None:
    table = connected()
    for number in range(MOST_UNASKED_PER_MINUTE):
        table.says(talker, result(str(number)))
    assert table.live() is not None
    assert closes(table.says(talker, result("one more")))[0] == (talker, 1002)
    assert table.counted["answer_flood"] == 1
    assert table.live() is None
