"""`gateway.core.transaction`: what readings tell of a session, and how often it is told on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.core.transaction import SESSION_EVERY_S
from tests.core.charging import EPOCH, Charging, value


def test_progress_is_told_at_most_once_a_minute() -> None:
    charging = Charging()
    charging.begin()
    writes = charging.writes
    for second in range(10, 601, 10):
        charging.wait(10)
        charging.meter(value(1000 + second * 2, 7200.0))
    assert charging.writes == writes + 600 / SESSION_EVERY_S
    state = charging.states[1]
    assert (state.record.energy.energy_wh, state.power_w, state.duration_s) == (1200, 7200, 600)


def test_readings_that_say_nothing_new_write_nothing() -> None:
    charging = Charging()
    charging.begin()
    charging.wait(60)
    charging.meter(value(1100, 7200.0, 50))
    writes, published = charging.writes, charging.published
    for _ in range(60):
        charging.wait(60)
        charging.meter(value(1100, 7200.0, 50))
    assert (charging.writes, charging.published) == (writes, published)


def test_another_power_is_told_and_not_written() -> None:
    charging = Charging()
    charging.begin()
    charging.wait(60)
    charging.meter(value(1100, 7200.0))
    writes = charging.writes
    charging.wait(60)
    charging.meter(value(1100, 0.0))
    assert (charging.states[1].power_w, charging.writes) == (0, writes)
    assert charging.states[1].record.max_power_w == 7200


def test_state_of_charge_and_the_most_power() -> None:
    charging = Charging()
    charging.begin()
    for power_w, soc_pct in [(None, 40), (7000, None), (9000, 60), (8000, None), (None, 70)]:
        charging.wait(60)
        charging.meter(value(power_w=power_w, soc_pct=soc_pct))
    record = charging.open()
    assert (record.soc_start_pct, record.soc_pct, record.max_power_w) == (40, 70, 9000)
    assert charging.states[1].power_w == 8000


def test_readings_of_others_are_not_its_own() -> None:
    charging = Charging()
    charging.begin(7)
    charging.stop(7)
    charging.wait(10)
    charging.begin(8)
    charging.begin(9, 2)
    before = charging.open()
    for transaction_id in (7, 9, 12345):
        charging.wait(100)
        charging.meter(value(1500, 7000.0), transaction_id=transaction_id)
    assert charging.open() == before
    charging.meter(value(1500), transaction_id=8, connector=0)
    assert charging.open() == before


def test_readings_of_the_session_before_do_not_give_their_id_to_the_next() -> None:
    charging = Charging()
    charging.begin(7)
    charging.stop(7)
    charging.wait(10)
    charging.start(meter_wh=2000)
    charging.wait(60)
    charging.meter(value(2500), transaction_id=7)
    assert (charging.open().transaction_id, charging.open().energy.now_wh) == (None, None)


@pytest.mark.parametrize("transaction_id", [8, None, 0, -1, -7])
def test_readings_that_are_its_own(transaction_id: int | None) -> None:
    charging = Charging()
    charging.begin(8)
    charging.wait(100)
    charging.meter(value(1500), transaction_id=transaction_id)
    assert charging.open().energy.energy_wh == 500


def test_an_id_that_is_first_heard_in_readings() -> None:
    charging = Charging()
    report = charging.start()
    charging.meter(value(1000), transaction_id=44)
    assert (charging.states[1].record.transaction_id, charging.sessions.is_known(44)) == (44, True)
    charging.number(report, 45)
    assert charging.open().transaction_id == 45


def test_what_waited_in_a_queue_is_counted_by_its_own_times() -> None:
    charging = Charging()
    charging.start(at=EPOCH - timedelta(hours=10), meter_wh=1000, condition="charging")
    for hour in range(10):
        charging.meter(value(1000 + 22_000 * hour, at=EPOCH - timedelta(hours=10 - hour)), transaction_id=None)
    assert charging.open().energy.energy_wh == 9 * 22_000
    assert not charging.notes


def test_older_readings_change_nothing() -> None:
    charging = Charging()
    charging.begin()
    charging.wait(600)
    now = charging.now.wall
    charging.meter(value(1500, 7000.0, 50, at=now), value(1400, 9000.0, 49, at=now - timedelta(seconds=60)))
    record = charging.open()
    assert (record.energy.energy_wh, record.energy.now_wh, record.soc_pct) == (500, 1500, 50)
    charging.meter(value(1200, 9999.0, 20, at=now - timedelta(seconds=120)))
    assert (charging.open().energy, charging.open().soc_pct) == (record.energy, 50)
    charging.sessions.clock_set_back()
    charging.meter(value(1600, at=now - timedelta(seconds=60)))
    assert charging.open().energy.energy_wh == 600


def test_readings_without_a_time_are_in_the_order_sent() -> None:
    charging = Charging()
    charging.begin()
    charging.wait(600)
    charging.meter(value(1500, at=charging.now.wall), value(1600), value(1700, at=charging.now.wall))
    assert charging.open().energy.energy_wh == 700


def test_after_a_boot_the_chargers_clock_may_be_another() -> None:
    charging = Charging()
    charging.begin()
    charging.wait(600)
    charging.meter(value(1500, at=charging.now.wall))
    charging.boot()
    charging.wait(60)
    charging.meter(value(1600, at=charging.ago(7200)))
    assert charging.open().energy.energy_wh == 600


def test_energy_goes_on_after_a_restart() -> None:
    charging = Charging()
    charging.begin()
    charging.wait(60)
    charging.meter(value(1500))
    charging.restart(36_000)
    charging.meter(value(200_000))
    assert charging.open().energy.energy_wh == 199_000
    assert charging.states[1].record == charging.open()


def test_signed_values_are_noted() -> None:
    charging = Charging()
    charging.begin()
    charging.wait(60)
    charging.meter(value(1500, at=charging.now.wall))
    charging.meter(value(signed=True, at=charging.ago(30)))
    assert charging.open().signed
    assert charging.open().energy.energy_wh == 500


def test_values_that_come_with_the_end() -> None:
    charging = Charging()
    charging.begin()
    charging.wait(600)
    began, ended = EPOCH, charging.now.wall
    charging.stop(7712, None, values=(value(1000, 0, 40, at=began), value(1500, 7000, 60, at=ended, signed=True)))
    record = charging.last()
    assert (record.energy.energy_wh, record.energy.estimated) == (500, True)
    assert (record.soc_start_pct, record.soc_pct, record.max_power_w, record.signed) == (40, 60, 7000, True)


def test_values_that_come_with_the_true_end() -> None:
    charging = Charging()
    charging.begin(7)
    charging.wait(60)
    charging.meter(value(1100), transaction_id=7)
    charging.status("available")
    charging.wait(300)
    assert charging.last().energy.estimated
    charging.stop(7, 1300, at=EPOCH + timedelta(seconds=100), values=(value(1200, soc_pct=80),))
    assert (charging.last().energy.energy_wh, charging.last().soc_pct) == (300, 80)
    assert not charging.last().energy.estimated


def test_a_register_that_is_not_used_is_counted() -> None:
    charging = Charging()
    charging.begin()
    for register_wh in (1500, 3, 1600):
        charging.wait(60)
        charging.meter(value(register_wh))
    assert (charging.open().energy.energy_wh, charging.notes["register_fell"]) == (600, 1)


def test_an_end_whose_register_is_not_used_is_counted() -> None:
    charging = Charging()
    charging.begin()
    charging.wait(60)
    charging.meter(value(1500))
    charging.stop(7712, 3)
    assert (charging.last().energy.energy_wh, charging.last().energy.estimated) == (500, True)
    assert sum(charging.notes.values()) == 1


def test_a_meter_that_counts_from_the_beginning_of_each_session() -> None:
    charging = Charging()
    charging.begin(meter_wh=4_600_000)
    before = charging.sessions.relative_meter
    for register_wh in (100, 200, 300):
        charging.wait(60)
        charging.meter(value(register_wh))
    assert (before, charging.sessions.relative_meter) == (False, True)
    assert charging.open().energy.energy_wh == 300
    charging.wait(60)
    charging.stop(7712, 4_600_400)
    assert (charging.last().energy.energy_wh, charging.last().energy.estimated) == (400, False)


@pytest.mark.parametrize(("timed", "energy_wh"), [(True, None), (False, 900_000)])
def test_an_end_that_tells_more_than_a_charger_delivers_in_that_time(timed: bool, energy_wh: int | None) -> None:
    charging = Charging()
    charging.start(meter_wh=0, timed=timed)
    charging.wait(60)
    charging.stop(None, 900_000)
    energy = charging.last().energy
    assert (energy.energy_wh, energy.estimated, energy.stop_wh) == (energy_wh, timed, 900_000)
    assert charging.notes["stop_jumped"] == timed


def test_the_time_of_an_end_is_what_was_counted_if_that_is_more() -> None:
    charging = Charging()
    charging.start(meter_wh=0)
    charging.wait(7200)
    charging.off_s = -7190
    charging.stop(None, 100_000)
    assert (charging.last().energy.energy_wh, charging.last().energy.estimated) == (100_000, False)
