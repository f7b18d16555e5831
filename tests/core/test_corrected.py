"""What a charger says is read with the corrections that it needs, and relayed as it came."""

from __future__ import annotations

import json

from gateway.core.effects import Level, Note, Send
from gateway.core.events import Leg
from gateway.core.facts import ConnectorState
from gateway.core.unparsable import CLOSES_BEFORE_HOLDING
from tests.core.drive import Drive, connected, drive, known, only
from tests.core.scenes import state
from tests.core.texts import call, result, status

NAMED = ("strip-nul", "text-as-numbers")
SPOILED = status("1", 2, "Charging")[:-2] + "\x00}]"
"""A StatusNotification with a NUL byte in it, which is no JSON then."""


def test_a_correction_is_named_and_the_frame_stays_as_it_was() -> None:
    table = connected(named=NAMED)
    text = call("1", "StatusNotification", {"connectorId": "2", "status": "Charging", "errorCode": "NoError"})
    effects = table.charger(text)
    assert state(table, 2).record.condition == "charging"
    assert only(effects, Send) == [Send(Leg.UP, 1, text)]
    corrected = next(note for note in only(effects, Note) if note.what == "corrected")
    assert (corrected.level, corrected.fields) == (Level.DEBUG, {"CORRECTIONS": "text_as_numbers"})


def test_nothing_is_said_of_a_payload_that_needs_none() -> None:
    table = connected(named=NAMED)
    table.reports("Charging")
    assert table.counted["corrected"] == 0


def test_a_spoiled_frame_is_read_and_relayed_as_it_came() -> None:
    table = connected(named=NAMED)
    effects = table.charger(SPOILED)
    assert state(table, 2).record.condition == "charging"
    assert only(effects, Send) == [Send(Leg.UP, 1, SPOILED)]
    assert "not_json" in only(effects, Note)[-1].fields["ODDITIES"]
    assert only(table.upstream(result("1")), Send) == [Send(Leg.DOWN, 1, result("1"))]
    assert state(table, 2).upstream_delivered


def test_what_upstream_says_to_a_spoiled_frame_reaches_the_charger() -> None:
    table = connected(named=NAMED)
    table.charger(SPOILED)
    answer = json.dumps([4, "-1", "FormationViolation", "", {}])
    assert only(table.upstream(answer), Send) == [Send(Leg.DOWN, 1, answer)]
    assert only(table.upstream(answer), Send) == []


def test_a_charger_without_that_quirk_is_not_guessed_at() -> None:
    table = connected()
    assert only(table.charger(SPOILED), Send) == [Send(Leg.UP, 1, SPOILED)]
    assert table.published(ConnectorState) == []
    assert table.counted["not_json"] == 1


def test_what_is_no_call_even_when_repaired_is_relayed_and_not_read() -> None:
    table = connected(named=NAMED)
    for text in ('[3,"1",{}\x00]', "\x00", "hello\x00"):
        assert only(table.charger(text), Send) == [Send(Leg.UP, 1, text)]
    assert table.counted["not_json"] == 3


def held(named: tuple[str, ...]) -> Drive:
    """Upstream closes over what does not parse, so that is held back."""
    table = drive(known(), named=named, refresh=False)
    for _ in range(CLOSES_BEFORE_HOLDING):
        table.online()
        table.charger("garbage")
        table.lose(Leg.UP, 1002, "protocol error")
    table.online()
    return table


def test_a_spoiled_frame_that_is_held_back_is_read_all_the_same() -> None:
    table = held(NAMED)
    effects = table.charger(SPOILED)
    assert only(effects, Send) == []
    assert only(effects, Note)[-1].what == "unparsable_held_back"
    assert state(table, 2).record.condition == "charging"


def test_garbage_that_is_held_back_tells_nothing() -> None:
    table = held(NAMED)
    assert only(table.charger("garbage"), Send) == []
    assert table.published(ConnectorState) == []
