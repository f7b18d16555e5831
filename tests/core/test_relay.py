"""What passes between the legs, what stops here, and under which name each is counted."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gateway.core.calls import MOST_OPEN, UNANSWERED_AFTER_S, Origin
from gateway.core.effects import Answer, Effect, Level, Note, Send
from gateway.core.events import Leg
from gateway.core.frames import Flaw, Frame, Kind, parse
from gateway.core.relay import MISFIT_ANSWERED_WITHIN_S, Relay
from gateway.dialects import DIALECTS
from tests.core.drive import only
from tests.core.texts import call, error, result

DIALECT = DIALECTS["ocpp1.6"]
OWN_ID = "5d2f6a30-9d0c-4c4a-9a52-0f2d54a2f001"


def relay() -> Relay:
    return Relay(7, DIALECT)


def notes(effects: list[Effect]) -> list[str]:
    return [note.what for note in only(effects, Note)]


def asked(leg: Leg, *texts: str, at: float = 0.0) -> Relay:
    """A relay on which these CALLs came in on `leg`."""
    subject = relay()
    for text in texts:
        subject.call(leg, parse(text), at, None)
    return subject


@pytest.mark.parametrize("leg", Leg)
def test_a_call_goes_to_the_other_leg_as_it_came(leg: Leg) -> None:
    text = '[2 ,"0017", "Reset",{"type" : "Soft", "vendorX": 1.50}]'
    subject = relay()
    assert subject.call(leg, parse(text), 0.0, None) == [Send(leg.other, 7, text)]
    assert subject.open_on(leg.other) == 1
    assert subject.open_on(leg) == 0


@pytest.mark.parametrize("leg", Leg)
@pytest.mark.parametrize("kind", [Kind.SEND, Kind.RESULT_ERROR])
def test_what_nobody_answers_is_not_remembered(leg: Leg, kind: Kind) -> None:
    frame = parse(json.dumps([kind.value, "1", "NotifyPeriodicEventStream", {}]))
    subject = relay()
    assert subject.call(leg, frame, 0.0, None) == [Send(leg.other, 7, frame.text)]
    assert subject.open_on(leg.other) == 0


@pytest.mark.parametrize("leg", Leg)
@pytest.mark.parametrize(
    ("text", "what", "level"),
    [
        ('[3,"9",{ }]', "answer_relayed", Level.DEBUG),
        ('[3,"9",null]', "answer_relayed", Level.DEBUG),
        ('[3,"9"]', "answer_relayed", Level.DEBUG),
        ('[3,"9",[]]', "payload_not_object", Level.WARNING),
        ('[3,"9",{"n":NaN}]', "nan_or_infinity", Level.WARNING),
        ('[4,"9","GenericError","",{}]', "call_error_relayed", Level.INFO),
        ('[4,"9","GenericError"]', "call_error_relayed", Level.INFO),
    ],
)
def test_the_answer_to_a_relayed_call_goes_back_as_it_came(leg: Leg, text: str, what: str, level: Level) -> None:
    subject = asked(leg, call("9", "GetConfiguration"))
    settled, effects = subject.answer(leg.other, parse(text), 0.0)
    assert settled is not None
    assert settled.action == "GetConfiguration"
    assert only(effects, Send) == [Send(leg, 7, text)]
    note = only(effects, Note)[0]
    assert (note.what, note.level) == (what, level)
    assert note.fields["OCPP_ACTION"] == "GetConfiguration"
    assert note.fields["OCPP_MESSAGE_ID"] == "9"
    assert note.fields["LEG"] == leg.other.value


@pytest.mark.parametrize("leg", Leg)
def test_an_answer_that_nobody_asked_for_stops_here(leg: Leg) -> None:
    settled, effects = asked(leg, call("1")).answer(leg, parse(result("1")), 0.0)
    assert settled is None
    assert only(effects, Send) == []
    assert notes(effects) == ["unknown_answer"]


def test_the_second_answer_to_one_call_stops_here() -> None:
    subject = asked(Leg.UP, call("1"))
    subject.answer(Leg.DOWN, parse(result("1")), 0.0)
    settled, effects = subject.answer(Leg.DOWN, parse(error("1")), 0.0)
    assert settled is None
    assert only(effects, Send) == []
    assert notes(effects) == ["duplicate_answer"]


def test_an_id_used_again_is_a_new_call() -> None:
    subject = asked(Leg.UP, call("1", "Reset"))
    subject.answer(Leg.DOWN, parse(result("1")), 0.0)
    subject.call(Leg.UP, parse(call("1", "ClearCache")), 1.0, None)
    settled, effects = subject.answer(Leg.DOWN, parse(result("1")), 0.0)
    assert settled is not None
    assert settled.action == "ClearCache"
    assert only(effects, Send) == [Send(Leg.UP, 7, result("1"))]


def test_two_open_calls_of_one_id_get_an_answer_each() -> None:
    subject = asked(Leg.UP, call("1", "Reset"), call("1", "ClearCache"))
    settled = [subject.answer(Leg.DOWN, parse(result("1")), 0.0)[0] for _ in range(3)]
    assert [one and one.action for one in settled] == ["Reset", "ClearCache", None]


def test_ids_are_text() -> None:
    subject = asked(Leg.UP, call("007"), call("7"), '[2,18446744073709551616,"Heartbeat",{}]')
    assert subject.answer(Leg.DOWN, parse('[3,"07",{}]'), 0.0)[0] is None
    assert subject.answer(Leg.DOWN, parse("[3,18446744073709551616,{}]"), 0.0)[0] is not None
    assert subject.answer(Leg.DOWN, parse('[3,"007",{}]'), 0.0)[0] is not None
    assert subject.open_on(Leg.DOWN) == 1


def test_an_id_means_another_call_on_the_other_leg() -> None:
    subject = relay()
    subject.call(Leg.DOWN, parse(call("1", "Heartbeat")), 0.0, None)
    subject.call(Leg.UP, parse(call("1", "Reset")), 0.0, None)
    from_upstream, to_charger = subject.answer(Leg.UP, parse(result("1", {"currentTime": "x"})), 0.0)
    from_charger, to_upstream = subject.answer(Leg.DOWN, parse(result("1", {"status": "Accepted"})), 0.0)
    assert from_upstream is not None
    assert from_charger is not None
    assert (from_upstream.action, from_charger.action) == ("Heartbeat", "Reset")
    assert [send.leg for send in only(to_charger + to_upstream, Send)] == [Leg.DOWN, Leg.UP]


def test_an_unanswered_call_is_named_and_its_late_answer_still_passes() -> None:
    subject = asked(Leg.UP, call("1", "GetDiagnostics"), at=5.0)
    assert subject.expire(5.0 + UNANSWERED_AFTER_S - 1) == []
    named = only(subject.expire(5.0 + UNANSWERED_AFTER_S), Note)
    assert [note.what for note in named] == ["unanswered_call"]
    assert named[0].text == "charger never answered GetDiagnostics"
    assert subject.open_on(Leg.DOWN) == 0
    settled, effects = subject.answer(Leg.DOWN, parse(result("1")), 0.0)
    assert settled is not None
    assert only(effects, Send) == [Send(Leg.UP, 7, result("1"))]
    assert notes(effects) == ["late_answer"]
    assert notes(subject.answer(Leg.DOWN, parse(result("1")), 0.0)[1]) == ["duplicate_answer"]


def test_more_open_calls_than_anybody_pipelines_give_up_the_oldest() -> None:
    subject = relay()
    for number in range(MOST_OPEN):
        assert notes(subject.call(Leg.DOWN, parse(call(str(number))), 0.0, None)) == []
    effects = subject.call(Leg.DOWN, parse(call("one more")), 0.0, None)
    assert len(only(effects, Send)) == 1
    assert [note.text for note in only(effects, Note)] == ["upstream never answered Heartbeat"]
    assert subject.open_on(Leg.UP) == MOST_OPEN


def own(subject: Relay, message_id: str = OWN_ID) -> list[Effect]:
    return subject.own_call(message_id, DIALECT, 2, 0.0)


def test_the_charger_itself_may_be_asked_for() -> None:
    effects = relay().own_call(OWN_ID, DIALECT, 0, 0.0)
    assert json.loads(only(effects, Send)[0].text)[3]["connectorId"] == 0
    assert only(effects, Note)[0].text == "asked the charger for the status of the charger itself"


def test_a_call_of_our_own_goes_to_the_charger_only() -> None:
    subject = relay()
    effects = own(subject)
    (sent,) = only(effects, Send)
    assert sent.leg is Leg.DOWN
    payload = {"requestedMessage": "StatusNotification", "connectorId": 2}
    assert json.loads(sent.text) == [2, OWN_ID, "TriggerMessage", payload]
    assert notes(effects) == ["own_call"]
    assert only(effects, Note)[0].text == "asked the charger for the status of connector 2"
    assert subject.open_on(Leg.DOWN) == 1


@pytest.mark.parametrize(
    ("answer", "outcome"), [(result(OWN_ID), "answered"), (error(OWN_ID, "NotImplemented"), "NotImplemented")]
)
def test_the_answer_to_our_own_call_never_leaks(answer: str, outcome: str) -> None:
    subject = relay()
    own(subject)
    settled, effects = subject.answer(Leg.DOWN, parse(answer), 0.0)
    assert settled is not None
    assert settled.origin is Origin.GATEWAY
    assert only(effects, Send) == []
    (note,) = only(effects, Note)
    assert note.what == "own_call_answered"
    assert note.text.endswith(f"TriggerMessage: {outcome}")
    again, more = subject.answer(Leg.DOWN, parse(answer), 0.0)
    assert again is None
    assert only(more, Send) == []


def test_the_late_answer_to_our_own_call_never_leaks() -> None:
    subject = relay()
    own(subject)
    assert notes(subject.expire(UNANSWERED_AFTER_S)) == ["unanswered_call"]
    settled, effects = subject.answer(Leg.DOWN, parse(result(OWN_ID)), 0.0)
    assert settled is not None
    assert settled.origin is Origin.GATEWAY
    assert only(effects, Send) == []


def test_a_call_of_our_own_may_push_out_the_oldest() -> None:
    subject = relay()
    for number in range(MOST_OPEN):
        subject.call(Leg.UP, parse(call(str(number), "Reset")), 0.0, None)
    effects = own(subject)
    assert notes(effects) == ["unanswered_call", "own_call"]
    assert only(effects, Note)[0].text == "charger never answered Reset"


@pytest.mark.parametrize("leg", Leg)
@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("hello", "not_json"),
        ('[2,"1","Heartbeat",{}', "not_json"),
        ("{}", "not_array"),
        ("[]", "not_array"),
        ('[7,"1",{}]', "unknown_message_type"),
        ('[true,"1",{}]', "unknown_message_type"),
        ('["2","1","Heartbeat",{}]', "unknown_message_type"),
        ("[3]", "unreadable_message_id"),
        ('[2,null,"Heartbeat",{}]', "unreadable_message_id"),
        ('[2,1.5,"Heartbeat",{}]', "unreadable_message_id"),
        ('[6,"1","NotifyPeriodicEventStream",{}]', "unknown_message_type"),
        ('[5,"1","InternalError","",{}]', "unknown_message_type"),
    ],
)
def test_a_frame_that_belongs_to_no_exchange_passes_and_is_counted(leg: Leg, text: str, what: str) -> None:
    effects = relay().misfit(leg, parse(text), 0.0)
    assert only(effects, Send) == [Send(leg.other, 7, text)]
    assert notes(effects) == [what]


@pytest.mark.parametrize("leg", Leg)
@pytest.mark.parametrize(
    ("text", "echoed"),
    [
        ('[2,"19223201"]', "19223201"),
        ("[2,19223201]", 19223201),
        ('[2,"1",{"status":"Available"}]', "1"),
        ('[2,"1",null,{}]', "1"),
        ('[2,"\\ud800"]', "\ud800"),
    ],
)
def test_a_call_without_an_action_is_answered_here(leg: Leg, text: str, echoed: object) -> None:
    effects = relay().misfit(leg, parse(text), 0.0)
    assert only(effects, Send) == []
    (answer,) = only(effects, Answer)
    assert (answer.leg, answer.generation) == (leg, 7)
    kind, message_id, code, description, details = json.loads(answer.text)
    assert (kind, message_id, code, details) == (4, echoed, "ProtocolError", {})
    assert description
    assert notes(effects) == [Flaw.NO_ACTION.value]


def test_secrets_and_control_characters_stay_out_of_the_notes() -> None:
    nasty = Frame('{"password": "hunter2"}\n\x1b[2J', Kind.MISFIT, flaw=Flaw.NOT_JSON)
    (note,) = only(relay().misfit(Leg.DOWN, nasty, 0.0), Note)
    assert "hunter2" not in note.text
    assert note.text.isprintable()
    subject = asked(Leg.UP, call("1", "\n\x1b[2J" + "x" * 10_000))
    (note,) = only(subject.answer(Leg.DOWN, replace(parse(error("1")), error_code="\x07" * 500), 0.0)[1], Note)
    assert note.text.isprintable()
    assert len(note.text) < 400


@pytest.mark.parametrize("answer", ['[3,"9lmha",{}]', '[4,"-1","RpcFrameworkError","",{}]'])
def test_what_upstream_says_to_a_frame_nobody_here_could_read_reaches_the_charger(answer: str) -> None:
    subject = relay()
    subject.misfit(Leg.DOWN, parse('[2,"9lmha","MeterValues",{"sampledValue":[,]}]'), 0.0)
    settled, effects = subject.answer(Leg.UP, parse(answer), MISFIT_ANSWERED_WITHIN_S)
    assert settled is None
    assert only(effects, Send) == [Send(Leg.DOWN, 7, answer)]
    assert notes(effects) == ["answer_to_misfit"]
    assert notes(subject.answer(Leg.UP, parse(answer), MISFIT_ANSWERED_WITHIN_S)[1]) == ["unknown_answer"]


def test_what_upstream_says_to_a_frame_that_was_read_with_repairs_reaches_the_charger() -> None:
    subject = relay()
    subject.excuse(0.0)
    _, effects = subject.answer(Leg.UP, parse('[4,"-1","FormatViolation","",{}]'), 1.0)
    assert notes(effects) == ["answer_to_misfit"]


def test_an_old_misfit_excuses_no_answer() -> None:
    subject = relay()
    subject.misfit(Leg.DOWN, parse("no JSON"), 0.0)
    _, effects = subject.answer(Leg.UP, parse(result("1")), MISFIT_ANSWERED_WITHIN_S + 1)
    assert notes(effects) == ["unknown_answer"]


@pytest.mark.parametrize("sender", Leg)
def test_nothing_excuses_an_answer_of_the_chargers(sender: Leg) -> None:
    subject = relay()
    subject.misfit(sender, parse("no JSON"), 0.0)
    assert notes(subject.answer(Leg.DOWN, parse(result("1")), 0.0)[1]) == ["unknown_answer"]
