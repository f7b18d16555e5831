"""`gateway.core.trace`: every text of a station is told once, with what was done to it."""

from __future__ import annotations

import pytest

from gateway.core.calls import MOST_OPEN
from gateway.core.effects import Effect
from gateway.core.events import ChargerConnected, Event, FrameReceived, Leg, LegLost, StopRequested, TimerDue
from gateway.core.frames import parse
from gateway.core.trace import Done, Entry, traced
from tests.core.drive import Drive, connected, drive, known
from tests.core.texts import call, error, result


def said(table: Drive, leg: Leg, text: str) -> list[Entry]:
    """The entries for a text that comes in on a leg."""
    event = FrameReceived(leg, table.generation, parse(text))
    return traced(event, table.feed(event))


def happened(table: Drive, event: Event) -> list[Entry]:
    """The entries for another event."""
    return traced(event, table.feed(event))


@pytest.mark.parametrize("leg", list(Leg))
def test_a_relayed_text_is_one_entry_for_both_legs(leg: Leg) -> None:
    table = connected()
    text = call("1", "DataTransfer", {"vendorId": "V"})
    [entry] = said(table, leg, text)
    assert (entry.done, entry.action, entry.text) == (Done.RELAYED, "DataTransfer", text)
    assert (entry.source, entry.target) == (leg.peer, leg.other.peer)
    assert entry.note == f"DataTransfer from {leg.peer} relayed to {leg.other.peer}"
    answer = result("1", {"status": "Accepted"})
    [entry] = said(table, leg.other, answer)
    assert (entry.done, entry.action, entry.text) == (Done.RELAYED, "DataTransfer", answer)
    assert (entry.source, entry.target) == (leg.other.peer, leg.peer)
    assert entry.note == f"answer to DataTransfer from {leg.other.peer} relayed"


def test_routine_is_told_too() -> None:
    [entry] = said(connected(), Leg.DOWN, call("1", "Heartbeat"))
    assert (entry.done, entry.action) == (Done.RELAYED, "Heartbeat")


def test_what_the_gateway_answers_itself_is_two_texts() -> None:
    table = connected()
    received, sent = said(table, Leg.DOWN, '[2,"7"]')
    assert (received.done, received.text) == (Done.ANSWERED, '[2,"7"]')
    assert (received.source, received.target) == ("charger", None)
    assert received.note.startswith("CALL without an action from charger answered with ProtocolError")
    assert (sent.done, sent.source, sent.target) == (Done.SENT, "gateway", "charger")
    assert sent.text is not None
    assert sent.text.startswith('[4,"7","ProtocolError"')
    assert sent.note == received.note


def test_what_goes_no_further_says_why() -> None:
    [entry] = said(connected(), Leg.UP, error("nobody"))
    assert (entry.done, entry.source, entry.target) == (Done.NOT_RELAYED, "upstream", None)
    assert entry.note == "unknown answer from upstream not relayed (message id nobody)"


def test_a_text_of_a_connection_that_has_ended_goes_nowhere() -> None:
    table = connected()
    table.lose(Leg.DOWN, 1000)
    [entry] = said(table, Leg.UP, call("1", "Reset"))
    assert (entry.done, entry.action) == (Done.NOT_RELAYED, "Reset")
    assert entry.note == "FrameReceived of a connection that has ended, dropped"


def test_an_action_of_no_version_is_shown_as_the_log_shows_it() -> None:
    table = connected()
    table.lose(Leg.DOWN, 1000)
    [entry] = said(table, Leg.DOWN, '[2,"1","a\\nb' + "c" * 200 + '",{}]')
    assert entry.action.startswith("a\\nbc")
    assert len(entry.action) < 100


def test_a_call_of_the_gateways_own_is_sent_and_its_answer_stays_here() -> None:
    table = connected(refresh=True)
    [key] = [key for key in table.due if key.startswith("refresh")]
    [sent] = happened(table, TimerDue(key))
    assert (sent.done, sent.action, sent.source, sent.target) == (Done.SENT, "TriggerMessage", "gateway", "charger")
    assert sent.note == "asked the charger for the status of connector 1"
    assert sent.text is not None
    message_id = parse(sent.text).message_id
    [answered] = said(table, Leg.DOWN, result(message_id, {"status": "Accepted"}))
    assert (answered.done, answered.action) == (Done.NOT_RELAYED, "TriggerMessage")
    assert answered.note == "charger answered the gateway's own TriggerMessage: answered"


def test_what_an_event_brings_up_beside_its_text_is_an_entry_of_its_own() -> None:
    table = connected()
    for number in range(MOST_OPEN):
        said(table, Leg.DOWN, call(str(number), "Authorize"))
    relayed, given_up = said(table, Leg.DOWN, call("one too many", "DataTransfer"))
    assert (relayed.done, relayed.action) == (Done.RELAYED, "DataTransfer")
    assert given_up == Entry(Done.HAPPENED, "upstream never answered Authorize", "Authorize")


def test_connecting_and_disconnecting_are_entries_without_a_text() -> None:
    table = drive(known())
    generation = table.arrive()
    table.accept(generation)
    [entry] = happened(table, ChargerConnected(generation))
    assert (entry.done, entry.leg, entry.text, entry.source, entry.target) == (Done.HAPPENED, None, None, None, None)
    assert entry.note.startswith("connected from 192.0.2.7:50000 with ocpp1.6, upstream operator")
    [entry] = happened(table, LegLost(Leg.UP, generation, 1001, "away"))
    assert entry.note == "upstream disconnected (1001 away); the other leg is closed with it (strict_relay)"


def test_what_is_no_news_is_no_entry() -> None:
    table = connected()
    table.lose(Leg.UP, 1000)
    assert happened(table, LegLost(Leg.DOWN, table.generation, 1000, "")) == []
    assert happened(table, StopRequested()) == []


def test_a_text_that_nothing_was_said_of_is_told_all_the_same() -> None:
    nothing: list[Effect] = []
    [entry] = traced(FrameReceived(Leg.UP, 1, parse("x")), nothing)
    assert entry == Entry(Done.NOT_RELAYED, "", "", Leg.UP, "x")


def test_no_text_shows_where_an_entry_is_printed() -> None:
    assert "geheim" not in repr(Entry(Done.SENT, "note", "", Leg.UP, "geheim"))
