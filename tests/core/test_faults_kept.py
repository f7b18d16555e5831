"""What of faults is written and kept: repeats, clocks that are set, restarts, too many of them, and the log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.core.effects import Level
from gateway.core.faults import MOST_OPEN, TOO_MANY, ActiveFaults
from gateway.core.moment import Moment
from gateway.core.reports import StatusReported
from tests.core.fault_house import START, FaultHouse


def test_repeats_write_nothing() -> None:
    house = FaultHouse()
    house.report("Faulted", "HighTemperature", info="inside 80 C")
    for second in range(3600):
        house.monotonic = float(second)
        assert house.report("Faulted", "HighTemperature", info=f"inside {80 + second / 10} C") == []
    assert (house.writes, len(house.news), house.timer_at) == (1, 1, None)
    assert house.one().last_seen == START + timedelta(seconds=3599)


def test_what_stands_on_mqtt_is_what_was_written() -> None:
    house = FaultHouse()
    house.report("Charging", "WeakSignal", connector=1)
    house.wait(30)
    house.report("Charging", "WeakSignal", connector=1)
    house.report("Charging", "WeakSignal", connector=2)
    state = house.faults.state(house.now(), stale=True)
    assert (state.at, state.charger, state.stale) == (house.now().wall, "cp01", True)
    assert state.faults == tuple(house.stored.values())
    assert house.one().last_seen > state.faults[0].last_seen


def test_numbers_grow_when_the_clock_does_not() -> None:
    house = FaultHouse()
    house.report("Charging", "WeakSignal")
    house.wall_ahead_s = -86_400
    house.report("Charging", "HighTemperature")
    house.report("Faulted", "OverVoltage")
    first, second, third = (fault.number for fault in house.faults.of(1))
    assert (second, third) == (first + 1, first + 2)


def test_a_clock_that_is_set_back_makes_no_end_before_the_beginning() -> None:
    house = FaultHouse()
    house.report("Faulted", "OverVoltage")
    house.wall_ahead_s = -86_400
    house.report("Faulted", "OverVoltage")
    house.report("Charging")
    house.wait(5)
    fault = house.news[-1].fault
    assert (fault.raised, fault.last_seen, fault.cleared) == (START, START, START)


def test_a_clock_that_is_set_ahead_ends_nothing_sooner() -> None:
    house = FaultHouse()
    house.report("Faulted", "OverVoltage")
    house.report("Charging")
    house.wall_ahead_s = 86_400
    assert house.wait(4.9) == []
    assert house.report("Faulted", "OverVoltage") == []


def test_a_restart_keeps_the_number_and_counts_no_raise() -> None:
    house = FaultHouse()
    house.report("Faulted", "OverVoltage")
    number = house.one().number
    house.restart()
    assert house.faults.active(1)
    assert house.report("Faulted", "OverVoltage") == []
    assert (house.one().number, house.one().occurrences) == (number, 1)
    house.report("Available")
    house.wait(5)
    house.restart()
    assert house.faults.worst() is None
    house.monotonic -= 5
    house.report("Faulted", "OverVoltage")
    assert house.one().number == number + 1


def test_a_store_that_comes_late_adds_what_was_not_raised_anew() -> None:
    house = FaultHouse()
    house.report("Faulted", "OverVoltage")
    house.report("Charging", "WeakSignal", connector=2)
    old = [house.one(1), house.one(2)]
    house.faults = ActiveFaults("cp01")
    house.wait(100)
    house.report("Faulted", "OverVoltage")
    new = house.one(1)
    house.faults.restore([*old, new])
    assert house.report("Charging", connector=3) == [("cleared", "OverVoltage", "error")]
    assert house.stored[old[0].number].cleared == old[0].last_seen
    assert (house.one(1), house.one(2)) == (new, old[1])


def test_the_stop_tells_ends_at_once() -> None:
    house = FaultHouse()
    house.report("Faulted", "OverVoltage")
    house.report("Charging", "WeakSignal", connector=2)
    house.report("Available")
    assert house.settle() == [("cleared", "OverVoltage", "error")]
    assert house.timer_at is None
    assert house.settle() == []
    assert house.faults.worst() == "warning"


def test_firmware_with_a_new_code_each_time_does_not_fill_the_memory() -> None:
    house = FaultHouse()
    house.report("Faulted", "OverVoltage", connector=2)
    for number in range(MOST_OPEN - 1):
        house.report("Charging", "OtherError", vendor=f"E{number}")
    told = house.report("Charging", "OtherError", vendor="one more")
    assert told == [("raised", "OtherError", "warning"), ("cleared", "OtherError", "warning")]
    gone = house.news[-1].fault
    assert (gone.vendor_error_code, gone.cleared_by, gone.cleared) == ("E0", TOO_MANY, house.now().wall)
    assert len(house.faults.of(1)) == MOST_OPEN - 1
    assert house.faults.active(2)
    [note] = [note for note in house.notes if note.what == "too_many_faults"]
    assert note.level is Level.WARNING
    assert note.text.endswith(": update the firmware")


def test_where_all_are_errors_the_same_connector_gives_way() -> None:
    house = FaultHouse()
    house.report("Faulted", "OverVoltage", connector=2)
    for number in range(MOST_OPEN):
        house.report("Faulted", "OtherError", vendor=f"E{number}")
    assert house.news[-1].fault.vendor_error_code == "E0"
    assert house.faults.active(2)


def test_what_has_ended_gives_way_first() -> None:
    house = FaultHouse()
    for number in range(MOST_OPEN - 1):
        house.report("Charging", "OtherError", vendor=f"E{number}")
    house.report("Charging", "WeakSignal", connector=2)
    house.report("Charging", connector=2)
    told = house.report("Charging", "OtherError", vendor="one more")
    assert told[-1] == ("cleared", "WeakSignal", "warning")
    assert house.news[-1].fault.cleared_by == "status_notification"
    assert house.timer_at is None


def test_the_log_says_what_to_do() -> None:
    house = FaultHouse()
    house.report("Charging", "WeakSignal")
    house.report("Faulted", "WeakSignal")
    house.report("Faulted", "OtherError", connector=0, vendor="PP01\x07")
    house.report("Charging", "WeakSignal")
    house.report("Available")
    house.wait(5)
    assert [(note.what, note.level) for note in house.notes] == [
        ("fault_raised", Level.INFO),
        ("fault_updated", Level.WARNING),
        ("fault_raised", Level.WARNING),
        ("fault_updated", Level.INFO),
        ("fault_cleared", Level.INFO),
    ]
    advice = "The charger's mobile or wireless signal is weak. Move its antenna, or connect the charger by cable."
    assert house.notes[0].text == f"warning WeakSignal at connector 1: {advice}"
    assert house.notes[1].text == f"error WeakSignal at connector 1 has changed: {advice}"
    assert house.notes[2].text.startswith("error OtherError at the whole charger: A fault of the maker's own")
    assert house.notes[2].text.endswith("Maker's code: PP01\\x07")
    assert house.notes[4].text == "warning WeakSignal at connector 1 is over"
    assert house.notes[2].fields == {
        "CONNECTOR": "0",
        "ERROR_CODE": "OtherError",
        "VENDOR_ERROR_CODE": "PP01\\x07",
        "SEVERITY": "error",
    }


def test_a_timer_without_faults_does_nothing() -> None:
    house = FaultHouse()
    assert house.faults.timer(house.now()) == []
    assert house.faults.reported(StatusReported(1, "Available"), None, None, house.now()) == []


def test_the_number_of_a_fault_that_is_over_is_not_given_a_second_time() -> None:
    """A restart within the second in which it was raised, or several faults in one second before it."""
    now = Moment(datetime(2026, 3, 1, tzinfo=UTC), 100.0)
    faults = ActiveFaults("cp01")
    faults.reported(StatusReported(1, "Available", "WeakSignal"), None, None, now)
    faults.reported(StatusReported(1, "Available"), "Available", None, now)
    faults.settle_all(now)
    [kept] = faults.kept()
    assert kept.cleared is not None
    again = ActiveFaults("cp01")
    again.restore([kept])
    assert again.kept() == [kept]
    assert not again.active(1)
    again.reported(StatusReported(1, "Available", "WeakSignal"), "Available", None, now)
    assert [fault.number for fault in again.kept()] == [kept.number + 1]
