"""`gateway.core.transaction` and `phases`: how long a session was in which condition, whatever the clocks do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.core.phases import MOST_PHASES
from gateway.core.told import LATE_S
from tests.core.charging import EPOCH, Charging, value


def test_phases_and_their_seconds() -> None:
    charging = Charging()
    charging.start(condition="preparing")
    for condition, seconds in [("charging", 100), ("suspended_ev", 50), ("charging", 25.5), ("faulted", 10)]:
        charging.status(condition)
        charging.wait(seconds)
    charging.status("charging")
    charging.wait(4.5)
    charging.stop(None)
    assert charging.phases() == [
        ("preparing", 0.0),
        ("charging", 100.0),
        ("suspended_ev", 50.0),
        ("charging", 25.5),
        ("faulted", 10.0),
        ("charging", 4.5),
    ]
    record = charging.last()
    assert (record.charging_s, charging.events[-1].duration_s) == (130.0, 190)
    assert [phase.since for phase in record.phases[:3]] == [EPOCH, EPOCH, EPOCH + timedelta(seconds=100)]


def test_a_repeated_status_writes_nothing() -> None:
    charging = Charging()
    charging.begin()
    writes, published = charging.writes, charging.published
    for _ in range(60):
        charging.wait(60)
        charging.status("charging")
    assert (charging.writes, charging.published) == (writes, published)


def test_phases_are_bounded_and_all_is_counted() -> None:
    charging = Charging()
    charging.start()
    for _ in range(MOST_PHASES):
        charging.status("charging")
        charging.wait(10)
        charging.status("suspended_ev")
        charging.wait(1)
    charging.stop(None)
    assert len(charging.last().phases) == MOST_PHASES
    assert (charging.last().charging_s, charging.last().duration_s) == (MOST_PHASES * 10.0, MOST_PHASES * 11.0)


@pytest.mark.parametrize("jump_s", [86_400 * 400, -86_400 * 400, 3600, -3600])
def test_a_clock_that_is_set_changes_no_seconds(jump_s: float) -> None:
    charging = Charging()
    charging.start(timed=False)
    charging.status("charging")
    charging.wait(100)
    charging.set_clock(jump_s)
    charging.wait(50)
    charging.status("suspended_ev")
    charging.wait(25)
    charging.stop(None, timed=False)
    record = charging.last()
    assert charging.phases() == [("preparing", 0.0), ("charging", 150.0), ("suspended_ev", 25.0)]
    assert (record.charging_s, charging.events[-1].duration_s) == (150.0, 175)
    assert record.started is not None
    assert record.ended is not None
    assert record.ended >= record.started
    assert jump_s > 0 or record.ended == record.started + timedelta(seconds=175)


def test_the_chargers_own_times_make_the_duration() -> None:
    charging = Charging()
    charging.start(at=charging.ago(40))
    charging.wait(100)
    charging.set_clock(3600)
    charging.stop(None, at=EPOCH + timedelta(seconds=60))
    assert (charging.last().ended, charging.events[-1].duration_s) == (EPOCH + timedelta(seconds=60), 100)


@pytest.mark.parametrize(
    ("behind_s", "late", "told"),
    [
        (0, False, True),
        (LATE_S, False, True),
        (LATE_S + 1, True, True),
        (-LATE_S, False, True),
        (-LATE_S - 1, False, False),
    ],
)
def test_the_chargers_time_is_taken_unless_it_lies_in_the_future(behind_s: float, late: bool, told: bool) -> None:
    charging = Charging()
    at = charging.ago(behind_s)
    charging.start(at=at)
    assert (charging.open().started, charging.open().started_late) == (at if told else EPOCH, late)
    assert charging.open().start_told is told
    charging.wait(1000)
    at = charging.ago(behind_s)
    charging.stop(None, at=at)
    assert (charging.last().ended, charging.last().ended_late) == (at if told else charging.now.wall, late)


def test_an_end_before_the_beginning_is_no_time() -> None:
    charging = Charging()
    charging.begin()
    charging.wait(100)
    charging.stop(7712, at=EPOCH - timedelta(days=1))
    record = charging.last()
    assert (record.ended, record.ended_late) == (charging.now.wall, False)
    assert charging.events[-1].duration_s == 100


def test_an_end_that_is_told_late_takes_no_time_after_it() -> None:
    charging = Charging()
    charging.begin()
    charging.wait(100)
    charging.leave()
    charging.wait(3600)
    charging.status("finishing")
    charging.wait(5)
    charging.stop(7712, at=EPOCH + timedelta(seconds=400))
    assert charging.phases() == [("preparing", 0.0), ("charging", 100.0), ("unknown", 300.0)]
    assert (charging.last().charging_s, charging.events[-1].duration_s) == (100.0, 400)


def test_while_the_charger_is_away_its_session_is_stale() -> None:
    charging = Charging()
    charging.begin()
    charging.wait(90)
    charging.meter(value(1500, 7000.0))
    charging.wait(10)
    charging.leave()
    state = charging.states[1]
    assert (state.stale, state.power_w, state.duration_s) == (True, None, 100)
    published = charging.published
    charging.leave()
    assert charging.published == published
    charging.wait(50)
    charging.status("charging")
    state = charging.states[1]
    assert (state.stale, state.duration_s, state.record.charging_s) == (False, 150, 150.0)


def test_a_charger_that_comes_back_in_another_condition() -> None:
    charging = Charging()
    charging.begin()
    charging.wait(100)
    left = charging.now.wall
    charging.leave()
    charging.wait(50)
    charging.status("suspended_ev")
    charging.wait(10)
    charging.stop(7712)
    assert charging.phases() == [("preparing", 0.0), ("charging", 100.0), ("unknown", 50.0), ("suspended_ev", 10.0)]
    assert charging.last().phases[2].since == left
    assert charging.last().charging_s == 100.0


def test_an_end_confirms_the_time_away() -> None:
    charging = Charging()
    charging.begin()
    charging.wait(100)
    charging.leave()
    charging.wait(50)
    charging.stop(7712)
    assert (charging.last().charging_s, charging.events[-1].duration_s) == (150.0, 150)


def test_readings_confirm_the_time_of_a_boot() -> None:
    charging = Charging()
    charging.begin()
    charging.wait(100)
    charging.boot()
    charging.wait(50)
    charging.meter(value(1500))
    charging.wait(10)
    charging.status("suspended_ev")
    assert charging.states[1].record.charging_s == 160.0


@pytest.mark.parametrize(("down_s", "counted_s"), [(0, 100), (3600, 3700), (-3600, 100)])
def test_over_a_restart_the_wall_clock_counts(down_s: float, counted_s: float) -> None:
    charging = Charging()
    charging.begin()
    charging.wait(100)
    charging.meter(value(1500))
    charging.restart(down_s)
    assert charging.states[1].record.charging_s == 100.0
    charging.status("suspended_ev")
    charging.wait(10)
    charging.stop(7712, timed=False)
    assert charging.phases() == [("preparing", 0.0), ("charging", counted_s), ("suspended_ev", 10.0)]


def test_away_after_a_restart_counts_nothing() -> None:
    charging = Charging()
    charging.begin()
    charging.wait(100)
    charging.meter(value(1500))
    charging.restart(10)
    charging.leave()
    charging.wait(1000)
    charging.status("suspended_ev")
    assert charging.phases() == [("preparing", 0.0), ("charging", 100.0), ("unknown", 1010.0), ("suspended_ev", 0.0)]


def test_an_end_is_cut_through_several_phases() -> None:
    charging = Charging()
    charging.begin()
    charging.wait(100)
    charging.status("suspended_ev")
    charging.wait(20)
    charging.status("charging")
    charging.wait(30)
    charging.stop(7712, at=charging.ago(60))
    assert charging.phases() == [("preparing", 0.0), ("charging", 90.0)]
    assert (charging.last().charging_s, charging.events[-1].duration_s) == (90.0, 90)


def test_an_end_of_before_everything_that_was_seen() -> None:
    charging = Charging()
    charging.start(at=charging.ago(7200), condition="charging")
    charging.wait(10)
    charging.stop(None, at=charging.ago(3610))
    assert (charging.last().charging_s, charging.events[-1].duration_s) == (3600.0, 3600)
