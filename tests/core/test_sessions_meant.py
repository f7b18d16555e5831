"""`gateway.core.ledger`: which session a message speaks of, when it names one, none, or one that nobody saw begin."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.core.energy import Energy
from gateway.core.ledger import MOST_ENDED_IDS
from gateway.core.transaction import NO_ID
from tests.core.charging import EPOCH, Charging, value

NO_IDS = [None, 0, -1, -5, NO_ID, NO_ID + 7]


@pytest.mark.parametrize("transaction_id", NO_IDS)
def test_an_end_without_an_id_ends_the_only_open_session(transaction_id: int | None) -> None:
    charging = Charging()
    charging.begin(7)
    charging.wait(10)
    charging.stop(transaction_id)
    assert charging.kinds() == ["started", "ended"]
    assert charging.last().transaction_id == 7


@pytest.mark.parametrize("transaction_id", [*NO_IDS, 555])
def test_an_end_that_fits_nothing_known_ends_the_only_session_without_an_id(transaction_id: int | None) -> None:
    charging = Charging()
    charging.begin(7, 1)
    charging.start(2)
    charging.wait(10)
    charging.stop(transaction_id)
    assert (charging.last().connector_id, charging.last().active) == (2, False)


@pytest.mark.parametrize("transaction_id", [*NO_IDS, 555])
def test_between_two_sessions_nothing_is_guessed(transaction_id: int | None) -> None:
    charging = Charging()
    charging.begin(7, 1)
    charging.begin(8, 2)
    charging.stop(transaction_id)
    assert (charging.kinds(), charging.notes["end_of_unknown"]) == (["started", "started"], 1)


def test_an_id_of_the_chargers_own_is_known_from_its_readings() -> None:
    charging = Charging()
    charging.begin(7, 1)
    charging.begin(8, 2)
    charging.meter(value(1000), transaction_id=-21, connector=1)
    charging.meter(value(1000), transaction_id=-22, connector=2)
    charging.stop(-22)
    assert charging.last().transaction_id == 8


def test_an_id_that_upstream_gave_twice_names_nobody() -> None:
    charging = Charging()
    charging.begin(0, 1)
    charging.begin(0, 2)
    charging.stop(0)
    assert (charging.kinds(), charging.notes["end_of_unknown"]) == (["started", "started"], 1)


def test_an_end_of_before_the_beginning_is_not_guessed_to_be_its_end() -> None:
    charging = Charging()
    charging.begin()
    charging.stop(-1, at=charging.ago(7200))
    assert (charging.kinds(), charging.notes["end_of_unknown"]) == (["started"], 1)


@pytest.mark.parametrize("transaction_id", NO_IDS)
@pytest.mark.parametrize(("told_s", "meant"), [(62, 7), (60 + 299, 7), (60 + 301, 8), (None, 8)])
def test_an_end_without_an_id_is_that_of_the_session_closed_about_then(
    transaction_id: int | None, told_s: float | None, meant: int
) -> None:
    charging = Charging()
    charging.begin(7, 1)
    charging.begin(8, 2)
    charging.wait(60)
    charging.status("available", 1)
    charging.wait(500)
    at = EPOCH + timedelta(seconds=told_s) if told_s is not None else None
    charging.stop(transaction_id, at=at, timed=told_s is not None)
    assert charging.last().transaction_id == meant
    assert charging.kinds()[-1] == ("corrected" if meant == 7 else "ended")


def test_an_end_without_an_id_is_not_that_of_a_session_before_the_open_one() -> None:
    charging = Charging()
    charging.begin(7)
    charging.wait(60)
    charging.begin(8, meter_wh=1500)
    charging.wait(60)
    charging.stop(-1)
    assert (charging.last().transaction_id, charging.kinds()[-1]) == (8, "ended")


def test_an_id_that_nobody_knows_is_not_the_end_of_one_that_has_another() -> None:
    charging = Charging()
    charging.begin(7, 1)
    charging.status("available", 1)
    charging.wait(500)
    charging.stop(99, at=EPOCH)
    assert (charging.kinds(), charging.notes["end_of_unknown"]) == (["started", "ended"], 1)


def test_an_id_that_nobody_knows_is_that_of_the_closed_session_without_one() -> None:
    charging = Charging()
    charging.start()
    charging.status("available", 1)
    charging.wait(5000)
    charging.stop(99)
    assert charging.kinds() == ["started", "ended", "corrected"]
    assert charging.last().transaction_id == 99


def test_a_repeated_end_says_nothing() -> None:
    charging = Charging()
    charging.begin(7)
    charging.wait(10)
    at = charging.now.wall
    charging.stop(7, at=at)
    charging.wait(60)
    again = charging.stop(7, at=at)
    charging.stop(7, 2005, at=charging.now.wall)
    assert charging.kinds() == ["started", "ended"]
    charging.perform(charging.sessions.stop_delivered(again, charging.now))
    assert charging.kinds() == ["started", "ended"]
    last = charging.stop(7, at=at)
    charging.perform(charging.sessions.stop_delivered(last, charging.now))
    charging.perform(charging.sessions.stop_delivered(last, charging.now))
    assert charging.kinds() == ["started", "ended", "corrected"]


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("transaction_id", [-1, 7])
def test_a_repeated_end_does_not_end_the_session_that_began_since(transaction_id: int, restart: bool) -> None:
    charging = Charging()
    charging.begin(7)
    charging.wait(10)
    at = charging.now.wall
    charging.stop(transaction_id, at=at)
    charging.wait(10)
    charging.begin(8, meter_wh=2000)
    if restart:
        charging.restart(5)
    charging.stop(transaction_id, at=at)
    assert charging.open().transaction_id == 8


def test_an_end_is_known_again_when_others_have_ended_since() -> None:
    charging = Charging()
    ends = []
    for number in (1, 2, 3):
        charging.start(visit=number)
        charging.wait(10)
        ends.append(charging.now.wall)
        charging.stop(-1, at=ends[-1])
        charging.wait(10)
    charging.number(charging.start(timed=False), 9)
    charging.stop(-1, at=ends[0])
    assert charging.open().transaction_id == 9
    assert not charging.notes


def test_two_ends_without_id_and_time_are_two_ends() -> None:
    charging = Charging()
    for _ in range(2):
        charging.start()
        charging.wait(10)
        charging.stop(-1, timed=False)
        charging.wait(10)
    assert charging.kinds() == ["started", "ended", "started", "ended"]


def test_an_end_of_long_ago_says_nothing() -> None:
    charging = Charging()
    for number in range(1, 4):
        charging.number(charging.start(visit=number), number)
        charging.wait(10)
        charging.stop(number)
    charging.stop(1, 17)
    assert charging.kinds() == ["started", "ended"] * 3
    assert charging.notes["end_of_unknown"] == 0


def test_ended_ids_are_bounded() -> None:
    charging = Charging()
    for number in range(1, MOST_ENDED_IDS + 3):
        charging.begin(number)
        charging.stop(number)
        charging.wait(10)
    assert [number for number in range(1, 5) if charging.sessions.is_known(number)] == [3, 4]


@pytest.mark.parametrize("transaction_id", [*NO_IDS, 555])
def test_an_end_of_a_session_that_nobody_saw_begin(transaction_id: int | None) -> None:
    charging = Charging(connectors=(0, 1))
    charging.stop(transaction_id, 4242, reason="Reboot")
    record = charging.last()
    assert charging.kinds() == ["ended"]
    assert (record.connector_id, record.started, record.ended) == (1, None, charging.now.wall)
    assert (record.energy, record.stop_reason) == (Energy(stop_wh=4242, estimated=True), "Reboot")
    assert record.transaction_id == (555 if transaction_id == 555 else None)
    assert (record.id_tag, charging.events[-1].duration_s) == ("****4F2A", None)
    assert charging.states[1].record == record
    charging.stop(transaction_id, 4242, reason="Reboot")
    assert charging.kinds() == ["ended"]


def test_it_leaves_the_open_session_and_its_state_alone() -> None:
    charging = Charging(connectors=(1,))
    charging.begin(7)
    charging.stop(555, 4242, at=charging.ago(9000))
    assert (charging.open().transaction_id, charging.states[1].record.transaction_id) == (7, 7)
    assert (charging.kinds(), charging.last().ended_late) == (["started", "ended"], True)


def test_an_end_of_the_past_does_not_hide_the_last_session() -> None:
    charging = Charging(connectors=(1,))
    charging.begin(7)
    charging.wait(10)
    charging.stop(7)
    charging.stop(555, 4242, at=charging.ago(9000))
    assert charging.last().transaction_id == 555
    assert charging.states[1].record.transaction_id == 7
    charging.unplug()
    assert (charging.last().transaction_id, charging.last().unplugged_at) == (7, charging.now.wall)


@pytest.mark.parametrize("condition", ["charging", "suspended_ev", "suspended_evse", "unavailable", None])
def test_readings_of_a_session_that_nobody_saw_begin(condition: str | None) -> None:
    charging = Charging()
    if condition is not None:
        charging.status(condition)
    charging.meter(value(5000, 7000.0), transaction_id=99)
    record = charging.open()
    assert (record.transaction_id, record.started, record.energy.start_wh) == (99, None, None)
    assert (record.energy.estimated, record.visit) == (True, 7 if condition else None)
    assert record.phases[0].name == (condition or "unknown")
    charging.wait(600)
    charging.meter(value(5600, 7000.0), transaction_id=99)
    assert (charging.open().energy.energy_wh, charging.states[1].duration_s) == (600, None)
    charging.stop(99, 5700)
    assert charging.kinds() == ["started", "ended"]
    assert (charging.last().energy.energy_wh, charging.last().energy.estimated) == (700, True)


@pytest.mark.parametrize("transaction_id", NO_IDS)
def test_readings_without_an_id_begin_nothing(transaction_id: int | None) -> None:
    charging = Charging()
    charging.meter(value(5000), transaction_id=transaction_id)
    assert charging.events == []


@pytest.mark.parametrize("condition", ["available", "preparing", "reserved", "finishing"])
def test_readings_begin_nothing_where_the_charger_knows_of_no_transaction(condition: str) -> None:
    charging = Charging()
    charging.status(condition)
    charging.meter(value(5000), transaction_id=99)
    assert charging.events == []


def test_readings_of_the_past_begin_nothing() -> None:
    charging = Charging()
    charging.meter(value(5000, at=charging.ago(3600)), transaction_id=99)
    assert charging.events == []
    charging.status("charging")
    charging.meter(value(5000, at=charging.ago(3600)), transaction_id=99)
    assert charging.kinds() == ["started"]


def test_readings_after_the_end_open_nothing() -> None:
    charging = Charging()
    charging.begin(7)
    charging.stop(7)
    charging.status("suspended_ev")
    charging.meter(value(2001), transaction_id=7)
    charging.restart()
    charging.meter(value(2001), transaction_id=7)
    assert charging.kinds() == ["started", "ended"]


@pytest.mark.parametrize("quoted", [59, 60])
def test_either_id_that_upstream_gave_to_a_repeated_beginning_names_the_session(quoted: int) -> None:
    charging = Charging()
    report = charging.start()
    charging.number(report, 59)
    charging.number(report, 60)
    charging.status("charging")
    charging.wait(600)
    charging.stop(quoted)
    assert charging.kinds() == ["started", "ended"]
    assert (charging.last().energy.energy_wh, charging.last().transaction_id) == (1000, 60)
