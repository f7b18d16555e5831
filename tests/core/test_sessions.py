"""`gateway.core.sessions`: one per transaction, from its beginning to the end of the visit."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.core.connectors import MOST_CONNECTORS
from gateway.core.ledger import MOST_IN_VISIT
from gateway.core.reports import TransactionStarted
from gateway.core.sessions import FORGOTTEN_AFTER_S
from gateway.core.transaction import NO_ID
from tests.core.charging import EPOCH, TAG, Charging, value


def test_a_session_from_start_to_unplug() -> None:
    charging = Charging()
    plugged_at = charging.ago(20)
    report = charging.start(meter_wh=4605100, plugged_at=plugged_at)
    started = charging.open()
    assert started.number == int(EPOCH.timestamp())
    assert (started.id_tag, started.started, started.visit) == ("****4F2A", EPOCH, 7)
    assert (started.plugged_at, started.active, started.revision) == (plugged_at, True, 0)
    assert (started.transaction_id, started.start_delivered, started.started_late) == (None, False, False)
    charging.number(report, 7712)
    charging.status("charging")
    charging.wait(600)
    charging.meter(value(4606100, 10807.6, 55))
    charging.wait(10)
    stop = charging.stop(7712, 4606200, reason="EVDisconnected")
    ended = charging.last()
    assert ended.ended == charging.now.wall
    assert (ended.transaction_id, ended.stop_reason, ended.revision) == (7712, "EVDisconnected", 1)
    assert (ended.energy.energy_wh, ended.energy.stop_wh, ended.energy.estimated) == (1100, 4606200, False)
    assert (ended.max_power_w, ended.soc_start_pct, ended.soc_pct) == (10808, 55, 55)
    assert (ended.start_delivered, ended.stop_delivered, ended.ended_late) == (True, False, False)
    assert charging.events[-1].duration_s == 610
    assert charging.sessions.open_on(1) is None
    charging.perform(charging.sessions.stop_delivered(stop, charging.now))
    assert (charging.last().stop_delivered, charging.last().revision) == (True, 2)
    charging.wait(30)
    charging.unplug()
    assert (charging.last().unplugged_at, charging.last().revision) == (charging.now.wall, 3)
    assert charging.kinds() == ["started", "ended", "corrected", "corrected"]
    state = charging.states[1]
    assert (state.record, state.duration_s, state.power_w, state.stale) == (charging.last(), 610, None, False)


def test_the_raw_tag_is_kept_nowhere() -> None:
    charging = Charging()
    charging.begin()
    charging.stop()
    assert "04E1A2B3" not in repr(charging.sessions)


def test_what_is_asked_of_the_open_session() -> None:
    charging = Charging()
    assert (charging.sessions.open_on(1), charging.sessions.transaction_on(1)) == (None, None)
    assert not charging.sessions.is_known(7712)
    charging.begin()
    assert (charging.sessions.transaction_on(1), charging.sessions.is_known(7712)) == (7712, True)
    charging.stop()
    assert (charging.sessions.transaction_on(1), charging.sessions.is_known(7712)) == (None, True)


def test_numbers_grow_and_are_of_the_time() -> None:
    charging = Charging()
    first, second = (charging.start(connector) and charging.open(connector).number for connector in (1, 2))
    assert (first, second) == (int(EPOCH.timestamp()), int(EPOCH.timestamp()) + 1)
    charging.wait(100)
    charging.restart()
    charging.start(3)
    assert charging.open(3).number == int(EPOCH.timestamp()) + 100
    charging.set_clock(-1000)
    charging.start(4)
    assert charging.open(4).number == int(EPOCH.timestamp()) + 101


def test_a_repeated_start_is_the_same_session() -> None:
    charging = Charging()
    at = charging.now.wall
    charging.start(at=at)
    charging.wait(30)
    again = charging.start(at=at)
    assert (charging.kinds(), charging.writes) == (["started"], 1)
    charging.number(again, 7)
    charging.stop(7)
    charging.start(at=at)
    assert charging.kinds() == ["started", "ended"]
    charging.restart()
    charging.start(at=at)
    assert charging.kinds() == ["started", "ended"]


@pytest.mark.parametrize(
    ("meter_wh", "tag", "second"), [(1001, TAG, 0), (1000, "OTHER-9999", 0), (1000, None, 0), (1000, TAG, 1)]
)
def test_another_start_is_another_session(meter_wh: int, tag: str | None, second: int) -> None:
    charging = Charging()
    charging.start()
    charging.wait(5)
    charging.start(meter_wh=meter_wh, tag=tag, at=EPOCH + timedelta(seconds=second))
    assert charging.kinds() == ["started", "ended", "started"]
    assert (charging.events[1].record.stop_reason, charging.events[1].record.energy.estimated) == ("unknown", True)
    assert charging.open().number == int(EPOCH.timestamp()) + 5


def test_the_same_start_at_another_connector_is_another_session() -> None:
    charging = Charging()
    charging.start(1)
    charging.start(2)
    assert charging.kinds() == ["started", "started"]


def test_without_a_time_a_start_is_repeated_only_while_its_session_lasts() -> None:
    charging = Charging()
    charging.start(timed=False)
    charging.start(timed=False)
    assert charging.kinds() == ["started"]
    charging.stop(None)
    charging.start(timed=False)
    assert charging.kinds() == ["started", "ended", "started"]


def test_a_repeated_start_confirms_what_was_restored() -> None:
    charging = Charging()
    charging.start(at=EPOCH)
    charging.restart(10)
    before = charging.states[1].stale
    charging.start(at=EPOCH)
    assert (before, charging.states[1].stale) == (True, False)
    assert charging.kinds() == ["started"]


@pytest.mark.parametrize("connector", [0, -1])
def test_there_are_no_sessions_of_the_charger_itself(connector: int) -> None:
    charging = Charging()
    charging.start(connector)
    assert (charging.events, charging.notes["start_on_no_connector"]) == ([], 1)


def test_connectors_are_bounded() -> None:
    charging = Charging()
    for connector in range(1, MOST_CONNECTORS + 5):
        charging.start(connector)
    charging.meter(value(1), transaction_id=5, connector=MOST_CONNECTORS + 9)
    assert len(charging.events) == MOST_CONNECTORS
    assert charging.notes["start_on_no_connector"] == 4
    charging.wait(1)
    charging.start(1)
    assert len(charging.events) == MOST_CONNECTORS + 2


def test_a_refused_start_goes_on() -> None:
    charging = Charging()
    report = charging.start()
    charging.number(report, 31, "Blocked")
    record = charging.open()
    assert (record.transaction_id, record.start_delivered, charging.notes["start_refused"]) == (31, True, 1)


@pytest.mark.parametrize(
    ("told", "status", "known"),
    [
        (0, "Invalid", None),
        (-1, "Invalid", None),
        (None, "Accepted", None),
        (NO_ID, "Accepted", None),
        (0, "Accepted", 0),
        (-7, "accepted", -7),
        (9, None, 9),
    ],
)
def test_ids_that_upstream_gives(told: int | None, status: str | None, known: int | None) -> None:
    charging = Charging()
    charging.number(charging.start(), told, status)
    assert (charging.open().transaction_id, charging.open().start_delivered) == (known, True)


def test_an_answer_that_comes_again_changes_nothing() -> None:
    charging = Charging()
    report = charging.start()
    charging.number(report, 7)
    writes = charging.writes
    charging.number(report, 7)
    assert charging.writes == writes
    charging.number(TransactionStarted(1, "x", 5), 8)
    assert charging.writes == writes


def test_an_answer_that_comes_after_the_end_corrects() -> None:
    charging = Charging()
    report = charging.start()
    charging.stop(-1)
    charging.number(report, 7)
    assert charging.kinds() == ["started", "ended", "corrected"]
    assert (charging.last().transaction_id, charging.last().revision, charging.sessions.is_known(7)) == (7, 2, True)


def test_two_sessions_of_a_visit_learn_when_it_ended() -> None:
    charging = Charging()
    for number in (7, 8):
        charging.begin(number)
        charging.wait(10)
        charging.stop(number)
        charging.wait(10)
    charging.unplug(visit=7)
    assert charging.kinds() == ["started", "ended"] * 2 + ["corrected", "corrected"]
    assert {event.record.unplugged_at for event in charging.events[-2:]} == {charging.now.wall}
    charging.wait(10)
    charging.unplug(visit=7)
    assert len(charging.events) == 6


def test_another_visit_is_none_of_theirs() -> None:
    charging = Charging()
    charging.begin(7)
    charging.stop(7)
    charging.unplug(visit=8)
    charging.unplug(connector=2)
    assert charging.kinds() == ["started", "ended"]


def test_sessions_of_a_visit_are_bounded() -> None:
    charging = Charging()
    for number in range(1, MOST_IN_VISIT + 4):
        charging.begin(number)
        charging.wait(1)
        charging.stop(number)
        charging.wait(1)
    charging.unplug()
    assert charging.kinds().count("corrected") == MOST_IN_VISIT


def test_unplugging_under_an_open_session_is_told_with_its_end() -> None:
    charging = Charging()
    charging.begin(7)
    charging.unplug()
    unplugged_at = charging.now.wall
    assert (charging.kinds(), charging.open().unplugged_at) == (["started"], unplugged_at)
    charging.wait(5)
    charging.stop(7)
    assert (charging.last().unplugged_at, charging.last().revision) == (unplugged_at, 1)


def test_a_session_without_a_visit_is_not_unplugged() -> None:
    charging = Charging()
    charging.start(visit=None)
    charging.stop(None)
    charging.unplug()
    assert charging.kinds() == ["started", "ended"]


def test_a_visit_that_is_seen_after_the_beginning() -> None:
    charging = Charging()
    charging.start(visit=None, condition="unknown")
    charging.wait(2)
    charging.status("charging", visit=12)
    assert (charging.open().visit, charging.open().plugged_at) == (12, charging.now.wall)
    charging.status("suspended_ev", visit=13)
    assert charging.open().visit == 12


def test_a_pair_of_the_past_does_not_disturb_the_visit_of_now() -> None:
    charging = Charging()
    charging.status("preparing", visit=9)
    began, ended = charging.ago(7200), charging.ago(3600)
    charging.start(at=began, plugged_at=charging.ago(10), visit=9)
    record = charging.open()
    assert (record.started, record.started_late, record.visit, record.plugged_at) == (began, True, None, None)
    charging.status("preparing", visit=9)
    charging.status("available", visit=None)
    assert charging.open() == record
    assert record.phases == ()
    charging.stop(-1, 1500, at=ended)
    record = charging.last()
    assert (record.ended, record.ended_late, record.energy.energy_wh) == (ended, True, 500)
    assert (record.phases, record.charging_s, charging.events[-1].duration_s) == ((), 0.0, 3600)
    charging.unplug(visit=9)
    assert charging.kinds() == ["started", "ended"]


def test_a_late_start_of_the_visit_of_now_belongs_to_it() -> None:
    charging = Charging()
    charging.start(at=charging.ago(600), plugged_at=charging.ago(700), visit=9, condition="charging")
    record = charging.open()
    assert (record.started_late, record.visit, record.plugged_at) == (True, 9, charging.ago(700))
    assert charging.states[1].duration_s == 600


def test_a_late_start_whose_charger_then_says_that_it_charges() -> None:
    charging = Charging()
    charging.start(at=charging.ago(600), visit=None, condition="available")
    charging.status("charging", visit=12)
    record = charging.open()
    assert (record.visit, record.plugged_at, charging.timers) == (12, None, {})
    charging.wait(100)
    charging.stop(-1)
    assert (charging.last().charging_s, charging.events[-1].duration_s) == (100.0, 700)


def test_a_start_of_the_past_whose_end_is_lost() -> None:
    charging = Charging()
    charging.status("available", visit=None)
    charging.start(at=charging.ago(7200), meter_wh=1000)
    charging.wait(100)
    charging.meter(value(1600, at=EPOCH - timedelta(seconds=5400)), transaction_id=-1)
    charging.wait(FORGOTTEN_AFTER_S)
    record = charging.last()
    assert (record.ended, record.stop_reason) == (EPOCH - timedelta(seconds=5400), "unknown")
    assert (record.energy.energy_wh, charging.events[-1].duration_s) == (600, 1800)


def test_starts_of_the_past_one_after_the_other() -> None:
    charging = Charging()
    charging.status("available", visit=None)
    first, second = charging.ago(7200), charging.ago(3600)
    charging.start(at=first)
    charging.start(at=second, meter_wh=3000)
    assert charging.kinds() == ["started", "ended", "started"]
    assert charging.events[1].record.ended == first
    assert charging.states[1].record.started == second
