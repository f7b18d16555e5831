"""Asking a charger for the statuses that it did not tell, through a station."""

from __future__ import annotations

import json

import pytest

from gateway.core.connectors import MOST_CONNECTORS
from gateway.core.effects import Effect, Note, Remember, Send
from gateway.core.events import Leg, TimerDue
from gateway.core.facts import ConnectorState
from gateway.core.memory import ChargerRecord
from gateway.core.policy import StationPolicy
from gateway.core.refresh import (
    ASK_AFTER_S,
    BETWEEN_S,
    BLAMED_WITHIN_S,
    BUSY_AGAIN_S,
    Refresh,
    Service,
    expected_connectors,
)
from tests.core.drive import UPSTREAM, Drive, connected, known, only
from tests.core.scenes import boot, stay
from tests.core.texts import call, error, result

ASK_S = ASK_AFTER_S[Service.RELAYED]


def asked(table: Drive, generation: int | None = None) -> list[int]:
    """The connectors that were asked for on a connection, in order."""
    frames = [json.loads(text) for text in table.sent[Leg.DOWN, generation or table.generation]]
    calls = [frame for frame in frames if frame[0] == 2 and frame[2] == "TriggerMessage"]
    assert all(frame[3]["requestedMessage"] == "StatusNotification" for frame in calls)
    return [frame[3]["connectorId"] for frame in calls]


def last_id(table: Drive) -> str:
    """The message id of the last question."""
    texts = [send.text for send in table.all(Send) if "TriggerMessage" in send.text]
    return str(json.loads(texts[-1])[1])


def answer(table: Drive, word: str = "Accepted") -> list[Effect]:
    """The charger answers the last question."""
    return table.charger(result(last_id(table), {"status": word}))


# When


def test_the_times_are_those_of_the_issue() -> None:
    assert (ASK_AFTER_S, BETWEEN_S) == ({Service.RELAYED: 60.0, Service.LOCAL: 15.0}, 2.0)
    local = Refresh(lambda: [1], Service.LOCAL)
    assert local.wait_s == 15.0


def test_a_charger_that_tells_nothing_is_asked_a_minute_after_it_connected() -> None:
    table = connected(refresh=True)
    stay(table, ASK_S - 0.1)
    assert asked(table) == []
    table.elapse(0.1)
    assert asked(table) == [1]
    answer(table)
    stay(table, 600)
    assert asked(table) == [1]
    assert table.sent[Leg.UP, 1] == []


def test_a_boot_gives_it_its_minute_again() -> None:
    table = connected(refresh=True)
    table.reports("Available")
    stay(table, ASK_S - 5)
    boot(table)
    stay(table, ASK_S - 0.1)
    assert asked(table) == []
    table.elapse(0.1)
    assert asked(table) == [1]


def test_each_connector_by_itself_and_not_at_once() -> None:
    table = connected(refresh=True)
    for connector in (0, 1, 3):
        table.reports("Available", connector)
    table.lose(Leg.DOWN)
    table.online()
    stay(table, ASK_S)
    for soon in ([1], [1, 2], [1, 2, 3], [1, 2, 3, 0], [1, 2, 3, 0]):
        assert asked(table) == soon
        answer(table)
        table.elapse(BETWEEN_S - 0.1)
        assert asked(table) == soon
        table.elapse(0.1)


def test_only_those_that_did_not_report() -> None:
    table = connected(refresh=True)
    for connector in (1, 2, 3):
        table.reports("Available", connector)
    table.lose(Leg.DOWN)
    table.online()
    table.reports("Available", 2)
    stay(table, ASK_S)
    answer(table)
    table.reports("Available", 3)
    table.elapse(10)
    assert asked(table) == [1]


def test_a_charger_that_told_all_it_has_is_not_asked() -> None:
    table = connected(refresh=True)
    table.reports("Available", 1)
    table.reports("Available", 2)
    stay(table, 10 * ASK_S)
    assert asked(table) == []


def test_what_it_tells_of_the_past_does_not_count() -> None:
    table = connected(refresh=True)
    table.reports("Available", at=table.now.wall)
    table.lose(Leg.DOWN)
    table.online()
    table.reports("Charging", at=known().first_seen.replace(year=2025))
    stay(table, ASK_S)
    assert asked(table) == [1]


def test_an_open_call_of_upstreams_comes_first() -> None:
    table = connected(refresh=True)
    table.upstream(call("1", "GetDiagnostics"))
    stay(table, ASK_S + 3 * BUSY_AGAIN_S)
    assert asked(table) == []
    table.charger(result("1"))
    table.elapse(BUSY_AGAIN_S)
    assert asked(table) == [1]


def test_a_question_that_is_not_answered_is_open_as_well() -> None:
    table = connected(refresh=True)
    table.reports("Available", 2)
    stay(table, ASK_S + 60)
    assert asked(table) == [1]


def test_a_charger_that_waits_for_upstream_may_be_asked() -> None:
    table = connected(refresh=True)
    table.charger(call("1"))
    stay(table, ASK_S)
    assert asked(table) == [1]


def test_once_per_connection() -> None:
    table = connected(refresh=True)
    stay(table, ASK_S)
    answer(table)
    stay(table, 20)
    boot(table)
    stay(table, 10 * ASK_S)
    table.feed(TimerDue("refresh:1"))
    assert asked(table) == [1]
    table.lose(Leg.DOWN)
    table.online()
    stay(table, ASK_S)
    assert asked(table) == [1]


def test_what_was_asked_for_is_of_now() -> None:
    table = connected(refresh=True)
    table.reports("Charging", at=table.now.wall)
    table.lose(Leg.DOWN)
    table.online()
    stay(table, ASK_S)
    answer(table)
    table.reports("Available", at=known().first_seen.replace(year=2025))
    state = table.published(ConnectorState)[-1]
    assert (state.record.condition, state.source) == ("available", "trigger")
    table.reports("Available")
    assert table.published(ConnectorState)[-1].source == "status_notification"


# Whom not


def test_refresh_can_be_switched_off() -> None:
    table = connected(refresh=False)
    stay(table, 10 * ASK_S)
    assert asked(table) == []


def test_refresh_can_be_switched_off_while_the_charger_is_connected() -> None:
    table = connected(refresh=True)
    table.configure(StationPolicy(UPSTREAM, refresh=False))
    stay(table, 10 * ASK_S)
    assert asked(table) == []
    table.lose(Leg.DOWN)
    table.configure(StationPolicy(UPSTREAM))
    table.online()
    stay(table, ASK_S)
    assert asked(table) == [1]


def test_a_charger_with_the_quirk_is_never_asked() -> None:
    table = connected(refresh=True, named=("never-trigger",))
    stay(table, 10 * ASK_S)
    assert asked(table) == []


REFUSALS = ["Rejected", "NotImplemented"]


def refuse(table: Drive, how: str) -> list[Effect]:
    """The charger does not want to be asked."""
    if how in REFUSALS:
        return answer(table, how)
    return table.charger(error(last_id(table), "NotSupported"))


@pytest.mark.parametrize("how", [*REFUSALS, "CALLERROR"])
def test_a_charger_that_refuses_is_not_asked_again(how: str) -> None:
    table = connected(refresh=True)
    boot(table, firmwareVersion="1.0")
    table.reports("Available", 2)
    stay(table, ASK_S)
    effects = refuse(table, how)
    assert [note.what for note in only(effects, Note)] == ["trigger_taken_badly", "own_call_answered"]
    [remembered] = [effect.record for effect in only(effects, Remember) if isinstance(effect.record, ChargerRecord)]
    assert remembered.untriggerable == "V M 1.0"
    stay(table, 100)
    table.lose(Leg.DOWN)
    table.online()
    stay(table, 10 * ASK_S)
    assert asked(table, 1) == [1]
    assert asked(table) == []


@pytest.mark.parametrize("how", [*REFUSALS, "CALLERROR"])
def test_it_is_not_asked_after_a_restart_of_the_gateway_either(how: str) -> None:
    table = connected(refresh=True)
    boot(table, firmwareVersion="1.0")
    stay(table, ASK_S)
    refuse(table, how)
    again = table.restarted()
    again.online()
    stay(again, 10 * ASK_S)
    assert asked(again) == []
    boot(again, firmwareVersion="1.0")
    stay(again, 10 * ASK_S)
    assert asked(again) == []


def test_with_another_firmware_it_is_asked_again() -> None:
    table = connected(refresh=True)
    boot(table, firmwareVersion="1.0")
    stay(table, ASK_S)
    refuse(table, "Rejected")
    table.lose(Leg.DOWN)
    table.online()
    stay(table, ASK_S + 5)
    assert asked(table) == []
    boot(table, firmwareVersion="1.1")
    stay(table, ASK_S)
    assert asked(table) == [1]


def test_an_answer_that_comes_late_counts() -> None:
    table = connected(refresh=True)
    stay(table, ASK_S)
    stay(table, 700)
    assert table.counted["unanswered_call"] == 1
    refuse(table, "Rejected")
    assert not table.station.view.may_be_triggered


def test_a_charger_that_hangs_up_over_it_is_not_asked_again() -> None:
    table = connected(refresh=True)
    stay(table, ASK_S)
    table.elapse(BLAMED_WITHIN_S)
    table.lose(Leg.DOWN)
    assert table.counted["trigger_taken_badly"] == 1
    table.online()
    stay(table, 10 * ASK_S)
    assert asked(table) == []


def test_a_charger_that_redials_over_it_is_not_asked_again() -> None:
    """It reboots without a word: the new socket takes over from the dead one."""
    table = connected(refresh=True)
    stay(table, ASK_S)
    table.elapse(5)
    table.online()
    assert table.counted["trigger_taken_badly"] == 1
    stay(table, 10 * ASK_S)
    assert asked(table) == []


def test_a_disconnect_long_after_it_has_other_reasons() -> None:
    table = connected(refresh=True)
    stay(table, ASK_S)
    answer(table)
    table.elapse(BLAMED_WITHIN_S + 0.1)
    table.lose(Leg.DOWN)
    assert table.counted["trigger_taken_badly"] == 0
    table.online()
    stay(table, ASK_S)
    assert asked(table) == [1]


def test_a_connection_that_others_end_is_not_the_chargers_doing() -> None:
    table = connected(refresh=True)
    stay(table, ASK_S)
    answer(table)
    table.lose(Leg.UP, 1001)
    assert table.counted["trigger_taken_badly"] == 0


def test_a_connection_on_which_nothing_was_asked_is_lost_for_other_reasons() -> None:
    table = connected(refresh=True)
    table.elapse(1)
    table.lose(Leg.DOWN)
    assert table.counted["trigger_taken_badly"] == 0


def test_our_question_is_ours_alone() -> None:
    table = connected(refresh=True)
    stay(table, ASK_S)
    own_id = last_id(table)
    table.charger(error(own_id, "NotImplemented"))
    table.charger(result(own_id))
    table.upstream(result(own_id))
    assert table.sent[Leg.UP, 1] == []
    assert len(table.sent[Leg.DOWN, 1]) == 1
    assert [table.counted[what] for what in ("own_call_answered", "duplicate_answer", "unknown_answer")] == [1, 1, 1]


# Which connectors


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        ([], {1}),
        ([0], {0, 1}),
        ([2], {1, 2}),
        ([0, 1, 4], {0, 1, 2, 3, 4}),
        ([1000], {1, 1000}),
        ([MOST_CONNECTORS], set(range(1, MOST_CONNECTORS + 1))),
    ],
)
def test_connectors_are_numbered_without_gaps(reported: list[int], expected: set[int]) -> None:
    assert expected_connectors(reported) == expected


def test_who_refuses_a_question_about_the_charger_itself_may_answer_the_others() -> None:
    table = connected(refresh=True)
    for connector in (0, 1):
        table.reports("Available", connector)
    table.lose(Leg.DOWN)
    table.online()
    stay(table, ASK_S)
    answer(table)
    table.elapse(BETWEEN_S)
    assert asked(table) == [1, 0]
    answer(table, "Rejected")
    assert table.station.view.may_be_triggered
    assert table.counted["trigger_taken_badly"] == 0
