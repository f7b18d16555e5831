"""One connection from its 101 to its end: what its frames tell, and how it ends."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.core.calls import UNANSWERED_AFTER_S
from gateway.core.effects import Arm, CloseLeg, Disarm, LearnTime, Level, Note, Send
from gateway.core.events import Leg, TimerDue
from gateway.core.facts import ChargerInfo, ChargerState, ConnectorState
from gateway.core.refresh import ASK_AFTER_S, Service
from gateway.core.session import EXPIRE_EVERY_S
from tests.core.drive import closes, connected, drive, known, only
from tests.core.scenes import boot
from tests.core.texts import call, error, result, status

# What frames tell


def test_a_status_is_published_when_it_comes_and_again_when_upstream_has_it() -> None:
    table = connected()
    table.charger(status("1", 2, "Faulted", "GroundFailure"))
    (state,) = table.published(ConnectorState)
    assert (state.record.connector_id, state.record.report.status, state.upstream_delivered) == (2, "Faulted", False)
    table.upstream(result("1"))
    assert [one.upstream_delivered for one in table.published(ConnectorState)] == [False, True]
    assert "connector 2 is Faulted (GroundFailure)" in table.all(Note)[-2].text


def test_a_status_is_delivered_late_just_the_same() -> None:
    table = connected()
    table.charger(status("1"))
    for _ in range(int(UNANSWERED_AFTER_S // 60) + 1):
        table.elapse(60)
        table.pong(Leg.DOWN)
        table.pong(Leg.UP)
    assert table.counted["unanswered_call"] == 1
    table.upstream(result("1"))
    assert table.counted["late_answer"] == 1
    assert table.published(ConnectorState)[-1].upstream_delivered


def test_a_status_that_upstream_refuses_is_not_delivered() -> None:
    table = connected()
    table.charger(status("1"))
    table.upstream(error("1"))
    assert [one.upstream_delivered for one in table.published(ConnectorState)] == [False]
    assert table.counted["call_error_relayed"] == 1


def test_an_older_report_does_not_deliver_a_newer_one() -> None:
    table = connected()
    table.charger(status("1", word="Preparing"))
    table.charger(status("2", word="Charging"))
    table.upstream(result("1"))
    assert [one.record.report.status for one in table.published(ConnectorState)] == ["Preparing", "Charging"]


def test_connector_0_is_the_charger() -> None:
    table = connected()
    before = len(table.published(ChargerState))
    table.charger(status("1", 0, "Unavailable"))
    table.upstream(result("1"))
    assert table.published(ConnectorState) == []
    report = table.published(ChargerState)[before].report
    assert report is not None
    assert report.status == "Unavailable"


def test_a_boot_tells_who_the_charger_is_and_its_answer_whether_it_may_work() -> None:
    table = connected()
    boot(table, registration="Pending")
    info = table.published(ChargerInfo)[-1]
    assert info.boot is not None
    assert (info.boot.vendor, info.boot.model) == ("V", "M")
    assert table.published(ChargerState)[-1].registered == "pending"


def test_the_answer_of_the_charger_tells_nothing() -> None:
    table = connected()
    table.upstream(call("1", "Reset", {"type": "Soft"}))
    before = len(table.effects)
    table.charger(result("1", {"status": "Accepted"}))
    assert [type(effect) for effect in table.effects[before:]] == [Send, Note]


def test_a_status_from_upstream_is_no_status() -> None:
    table = connected()
    table.upstream(status("1"))
    assert table.published(ConnectorState) == []
    assert table.sent[Leg.DOWN, 1] == [status("1")]


def test_too_many_connectors_are_relayed_and_not_believed() -> None:
    table = connected()
    for number in range(70):
        table.charger(status(str(number), number + 1))
    assert len(table.published(ConnectorState)) == 64
    assert len(table.sent[Leg.UP, 1]) == 70
    assert table.counted["odd_call_relayed"] == 6
    assert "too_many_connectors" in table.all(Note)[-1].text


@pytest.mark.parametrize(
    ("text", "oddity"),
    [
        (call("1", "FlyToTheMoon"), "unknown_action"),
        ('[2,"1","Heartbeat",[]]', "payload_not_object"),
        ('[2,"1","Heartbeat",{"n":' + "9" * 5000 + "}]", "huge_integer"),
        (status("1", word="OutOfOrder"), "unknown_status"),
        (call("1", "StatusNotification", {"connectorId": "x"}), "unreadable_connector"),
    ],
)
def test_an_odd_call_is_relayed_and_named(text: str, oddity: str) -> None:
    table = connected()
    effects = table.charger(text)
    assert only(effects, Send) == [Send(Leg.UP, 1, text)]
    (note,) = only(effects, Note)
    assert (note.what, note.level) == ("odd_call_relayed", Level.WARNING)
    assert oddity in note.fields["ODDITIES"].split()


def test_routine_calls_whisper() -> None:
    table = connected()
    levels = [only(table.charger(call("1", action)), Note)[0].level for action in ("Heartbeat", "DataTransfer")]
    assert levels == [Level.DEBUG, Level.INFO]


def test_last_seen_is_the_charger_and_not_upstream() -> None:
    table = connected()
    table.elapse(5)
    table.pong(Leg.DOWN)
    seen = table.station.view.last_seen
    assert seen == table.now.wall
    table.elapse(5)
    table.pong(Leg.UP)
    table.upstream(call("1", "Reset"))
    assert table.station.view.last_seen == seen


# What upstream's answers tell of the time


@pytest.mark.parametrize("action", ["BootNotification", "Heartbeat"])
def test_the_time_in_upstreams_answer_is_learnt_with_how_long_it_took(action: str) -> None:
    table = connected()
    table.charger(call("1", action))
    table.elapse(0.25)
    text = result("1", {"currentTime": "2026-01-01T12:00:00.500Z", "interval": 300, "status": "Accepted"})
    effects = table.upstream(text)
    noon = datetime(2026, 1, 1, 12, 0, 0, 500_000, tzinfo=UTC)
    assert only(effects, LearnTime) == [LearnTime("operator", noon, 0.25, table.now)]
    assert only(effects, Send) == [Send(Leg.DOWN, 1, text)]


@pytest.mark.parametrize(
    "answer",
    [
        error("1"),
        result("1"),
        result("1", {"currentTime": "1970-01-01T00:00:00Z"}),
        result("2", {"currentTime": "2026-01-01T12:00:00Z"}),
    ],
)
def test_an_answer_without_a_plausible_time_teaches_nothing(answer: str) -> None:
    table = connected()
    table.charger(call("1", "Heartbeat"))
    table.upstream(answer)
    assert table.all(LearnTime) == []


def test_a_charger_teaches_no_time() -> None:
    table = connected()
    table.upstream(call("1", "Heartbeat"))
    table.charger(result("1", {"currentTime": "2026-01-01T12:00:00Z"}))
    assert table.all(LearnTime) == []


# A version that is relayed and not read


@pytest.mark.parametrize("leg", Leg)
@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[6,"1","NotifyPeriodicEventStream",{}]', "NotifyPeriodicEventStream"),
        ('[5,"1","InternalError","",{}]', "RESULT_ERROR"),
        (
            '[2,"1","StatusNotification",{"evseId":1,"connectorId":1,"connectorStatus":"Occupied"}]',
            "StatusNotification",
        ),
    ],
)
def test_what_is_not_read_is_relayed_all_the_same(leg: Leg, text: str, named: str) -> None:
    table = connected(offered="ocpp2.1", refresh=True)
    effects = table.says(leg, text)
    assert only(effects, Send) == [Send(leg.other, 1, text)]
    (note,) = only(effects, Note)
    assert note.what == "call_relayed"
    assert note.text.startswith(f"{named} from {leg.peer}")
    assert table.published(ConnectorState) == []
    table.elapse(ASK_AFTER_S[Service.RELAYED])
    assert table.sent[leg.other, 1] == [text]


def test_answers_in_a_version_that_is_not_read_tell_nothing() -> None:
    table = connected(offered="ocpp2.0.1")
    table.charger(call("1", "BootNotification"))
    table.upstream(result("1", {"status": "Accepted", "interval": 9999}))
    assert table.sent[Leg.DOWN, 1] == [result("1", {"status": "Accepted", "interval": 9999})]
    assert table.published(ChargerState)[-1].registered is None


@pytest.mark.parametrize("leg", Leg)
def test_types_of_2_1_are_odd_in_1_6(leg: Leg) -> None:
    table = connected()
    text = '[6,"1","NotifyPeriodicEventStream",{}]'
    effects = table.says(leg, text)
    assert only(effects, Send) == [Send(leg.other, 1, text)]
    assert table.counted["unknown_message_type"] == 1


# The end


@pytest.mark.parametrize(
    ("code", "to_charger"),
    [
        (1000, 1000),
        (1001, 1001),
        (1003, 1003),
        (1004, 1001),
        (1005, 1001),
        (1006, 1001),
        (1007, 1007),
        (1008, 1008),
        (1012, 1012),
        (1014, 1014),
        (1015, 1001),
        (2999, 1001),
        (3000, 3000),
        (4999, 4999),
        (5000, 1001),
        (None, 1001),
    ],
)
def test_upstreams_close_code_reaches_the_charger(code: int | None, to_charger: int) -> None:
    table = connected()
    effects = table.lose(Leg.UP, code, "why")
    assert closes(effects) == [(Leg.DOWN, to_charger)]
    assert only(effects, CloseLeg)[0].reason == "why"
    assert not only(effects, CloseLeg)[0].discard
    assert table.counted["upstream_disconnected"] == 1
    assert table.live() is None


@pytest.mark.parametrize(
    ("code", "to_upstream"), [(1000, 1000), (1001, 1001), (1006, 1001), (4000, 1001), (None, 1001)]
)
def test_upstream_learns_whether_the_charger_left_in_good_order(code: int | None, to_upstream: int) -> None:
    table = connected()
    assert closes(table.lose(Leg.DOWN, code)) == [(Leg.UP, to_upstream)]
    assert table.counted["charger_disconnected"] == 1


def test_a_session_that_ended_leaves_no_timer() -> None:
    table = drive(known())
    table.online()
    table.lose(Leg.DOWN)
    assert set(table.due) == {"offline"}
    assert {effect.key for effect in table.all(Arm)} - {effect.key for effect in table.all(Disarm)} == set()


def test_a_timer_of_nobody_does_nothing() -> None:
    assert connected().feed(TimerDue("lunch")) == []


def test_calls_are_looked_after_every_minute() -> None:
    table = connected()
    table.elapse(EXPIRE_EVERY_S * 2.5)
    assert table.due["expire:1"] == table.now.monotonic + EXPIRE_EVERY_S / 2
