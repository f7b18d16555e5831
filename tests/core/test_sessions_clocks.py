"""`gateway.core.sessions` of a charger whose clock is off: it charges as well as any other."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.core.memory import SessionRecord
from gateway.core.sessions import FORGOTTEN_AFTER_S
from gateway.core.told import LATE_S
from tests.core.charging import EPOCH, Charging, value

SKEWS_S = [-5 * 3600.0, -300.0, -90.0, -45.0, 0.0, 45.0, 300.0, 5 * 3600.0]


def live(charging: Charging) -> SessionRecord:
    """Ten minutes of charging, a pause of two, and the end; each message comes at once."""
    charging.status("preparing")
    charging.wait(10)
    charging.number(charging.start(), 7712)
    charging.wait(5)
    charging.status("charging")
    for minute in range(1, 11):
        charging.wait(60)
        charging.meter(value(1000 + 100 * minute, at=charging.told()))
    charging.status("suspended_ev")
    charging.wait(120)
    charging.stop(7712, 2000, at=charging.now.wall)
    return charging.last()


@pytest.mark.parametrize("skew_s", SKEWS_S)
def test_a_live_session_is_the_same_by_any_clock_that_is_known(skew_s: float) -> None:
    record = live(Charging(off_s=skew_s, skew_s=skew_s))
    told, known = (timedelta(seconds=skew_s), True) if abs(skew_s) <= LATE_S else (timedelta(), False)
    started = EPOCH + timedelta(seconds=10) + told
    assert (record.started, record.ended) == (started, started + timedelta(seconds=725))
    assert [(phase.name, phase.seconds) for phase in record.phases] == [
        ("preparing", 5.0),
        ("charging", 600.0),
        ("suspended_ev", 120.0),
    ]
    assert (record.charging_s, record.duration_s, record.energy.energy_wh) == (600.0, 725.0, 1000)
    assert (record.started_late, record.ended_late, record.start_told, record.visit) == (False, False, True, 7)
    assert (record.phases[0].since == record.started) or known
    assert (record.energy.estimated, record.stop_reason, record.revision) == (False, "Local", 1)


@pytest.mark.parametrize("skew_s", SKEWS_S)
def test_a_skew_is_measured_to_the_second_and_no_better(skew_s: float) -> None:
    charging = Charging(off_s=skew_s, skew_s=skew_s - 2)
    charging.start()
    charging.wait(600)
    charging.skew_s = skew_s + 2
    charging.stop(None)
    record = charging.last()
    assert record.started is not None
    assert record.started <= EPOCH + timedelta(seconds=LATE_S)
    assert record.duration_s == pytest.approx(600, abs=5)
    assert not record.ended_late


@pytest.mark.parametrize("skew_s", [0.0, None])
def test_what_waited_in_a_queue_is_late_as_ever(skew_s: float | None) -> None:
    charging = Charging(skew_s=skew_s)
    charging.status("available")
    began = charging.ago(3 * 3600)
    charging.start(at=began)
    charging.stop(None, at=began + timedelta(seconds=1800))
    record = charging.last()
    assert (record.started, record.ended) == (began, began + timedelta(seconds=1800))
    assert (record.started_late, record.ended_late, record.duration_s, record.visit) == (True, True, 1800, None)


def test_what_waited_in_the_queue_of_a_slow_charger_is_late_by_what_it_waited() -> None:
    charging = Charging(off_s=-5 * 3600, skew_s=-5 * 3600)
    charging.status("available")
    began = charging.ago(3 * 3600)
    charging.start(at=began)
    charging.meter(value(1600, at=charging.told(charging.ago(6000))), transaction_id=-1)
    charging.wait(FORGOTTEN_AFTER_S)
    record = charging.last()
    assert (record.started, record.started_late) == (began, True)
    assert (record.ended, record.stop_reason) == (EPOCH - timedelta(seconds=6000), "unknown")
    charging.stop(-1, 2000, at=began + timedelta(seconds=7200))
    assert (charging.last().ended, charging.last().ended_late) == (began + timedelta(seconds=7200), True)
    assert (charging.last().duration_s, charging.last().energy.energy_wh) == (7200, 1000)


def test_a_clock_whose_error_shows_after_the_beginning() -> None:
    charging = Charging(off_s=-5 * 3600)
    charging.status("preparing")
    charging.wait(10)
    charging.start()
    before = charging.open()
    charging.wait(30)
    charging.status("charging")
    charging.skew_s = charging.off_s
    charging.wait(60)
    charging.meter(value(1500, at=charging.told()), transaction_id=None)
    record = charging.open()
    assert (before.started_late, record.started_late) == (True, False)
    assert (record.started, charging.states[1].duration_s) == (EPOCH + timedelta(seconds=10), 90)
    charging.wait(10)
    charging.stop(None)
    record = charging.last()
    assert (record.ended, record.ended_late, record.duration_s) == (charging.now.wall, False, 100)
    assert (record.charging_s, [phase.name for phase in record.phases]) == (70.0, ["charging"])


def test_a_clock_whose_error_shows_at_the_end() -> None:
    charging = Charging(off_s=-5 * 3600)
    charging.status("charging")
    charging.start()
    charging.wait(600)
    charging.skew_s = charging.off_s
    charging.stop(None)
    record = charging.last()
    assert (record.started, record.ended, record.started_late) == (EPOCH, charging.now.wall, False)
    assert (record.duration_s, record.charging_s) == (600, 600.0)
    assert [(phase.since, phase.seconds) for phase in record.phases] == [(EPOCH, 600.0)]


def test_a_beginning_that_did_wait_is_late_by_the_clock_that_shows_later() -> None:
    charging = Charging(off_s=-5 * 3600)
    charging.status("charging")
    charging.start(at=charging.ago(3600))
    charging.wait(60)
    charging.skew_s = charging.off_s
    charging.stop(None)
    record = charging.last()
    assert (record.started, record.started_late) == (EPOCH - timedelta(hours=1), True)
    assert (record.duration_s, record.charging_s) == (3660, 3660.0)


def test_a_clock_that_is_late_and_not_known_to_be_wrong_hides_no_charging() -> None:
    charging = Charging(off_s=-5 * 3600)
    charging.status("preparing")
    charging.number(charging.start(), 7712)
    for minute in range(1, 60):
        charging.wait(60)
        charging.meter(value(1000 + 100 * minute, at=charging.told()))
    assert (charging.open().energy.energy_wh, charging.kinds()) == (5900, ["started"])


def test_the_clock_that_shows_later_takes_it_out_of_the_past() -> None:
    charging = Charging(off_s=-5 * 3600)
    charging.status("preparing")
    charging.number(charging.start(), 7712)
    charging.wait(100)
    charging.skew_s = charging.off_s
    charging.meter(value(1000, at=charging.told()))
    charging.wait(FORGOTTEN_AFTER_S * 2)
    assert (charging.kinds(), charging.open().started) == (["started"], EPOCH)
    charging.status("charging")
    charging.wait(60)
    charging.stop(7712)
    assert (charging.last().charging_s, charging.last().duration_s) == (60.0, 760)


@pytest.mark.parametrize("set_s", [3600.0, -3600.0])
def test_the_gateways_clock_is_set_while_a_slow_charger_charges(set_s: float) -> None:
    charging = Charging(off_s=-5 * 3600, skew_s=-5 * 3600)
    charging.status("charging")
    charging.start()
    charging.wait(600)
    charging.set_clock(set_s)
    charging.off_s -= set_s
    charging.stop(None)
    assert charging.last().duration_s == 600


def test_an_end_that_is_repeated_by_a_slow_charger_is_the_same() -> None:
    charging = Charging(off_s=-300, skew_s=-300)
    charging.begin()
    charging.wait(100)
    at = charging.now.wall
    stop = charging.stop(7712, at=at)
    charging.wait(60)
    charging.skew_s = -301
    charging.stop(7712, at=at)
    charging.perform(charging.sessions.stop_delivered(stop, charging.now))
    assert charging.kinds() == ["started", "ended", "corrected"]
    assert charging.last().stop_delivered
    charging.restart(10)
    charging.stop(7712, at=at)
    assert charging.kinds() == ["started", "ended", "corrected"]


@pytest.mark.parametrize(("off_s", "skew_s"), [(-5 * 3600, -5 * 3600), (0, None)])
def test_readings_by_a_slow_clock_show_a_session_that_nobody_saw_begin(off_s: float, skew_s: float | None) -> None:
    charging = Charging(off_s=off_s, skew_s=skew_s)
    charging.meter(value(5000, at=charging.told(charging.ago(3600))), transaction_id=98)
    assert charging.events == []
    charging.meter(value(5000, at=charging.told()), transaction_id=99)
    assert charging.open().transaction_id == 99
