"""Faults and warnings from raise to clear, one number each."""

from __future__ import annotations

import pytest
from ocpp.v16.enums import ChargePointErrorCode, ChargePointStatus

from gateway.core.faults import CLEAR_AFTER_S
from tests.core.fault_house import START, FaultHouse

CODES = [code.value for code in ChargePointErrorCode]
STATUSES = [status.value for status in ChargePointStatus]
OF_THE_CHARGER = ["Available", "Unavailable", "Faulted"]


def raised_by(status: str, code: str) -> list[tuple[str, str, str]]:
    """What a first report raises, by the rules of OCPP 1.6 section 4.9."""
    if status == "Faulted":
        return [("raised", "Unknown" if code == "NoError" else code, "error")]
    return [] if code == "NoError" else [("raised", code, "warning")]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(
    ("connector", "status"),
    [*((1, status) for status in STATUSES), *((0, status) for status in OF_THE_CHARGER)],
)
def test_every_code_with_every_status(connector: int, status: str, code: str) -> None:
    house = FaultHouse()
    expected = raised_by(status, code)
    assert house.report(status, code, connector=connector) == expected
    assert house.faults.active(connector) is bool(expected)
    assert not house.faults.active(1 - connector)
    assert house.faults.worst() == (expected[0][2] if expected else None)
    assert house.report(status, code, connector=connector) == []

    assert house.report("Available", connector=connector) == []
    assert house.wait(CLEAR_AFTER_S) == [("cleared", name, severity) for _, name, severity in expected]
    assert not house.faults.active(connector)
    assert house.writes == 2 * len(expected)
    if expected:
        assert house.shown is not None
        assert house.shown.faults == ()


def test_a_fault_keeps_what_stood_at_its_beginning() -> None:
    house = FaultHouse(monotonic=7.0)
    house.report("Faulted", "OtherError", vendor="PP01", info="pilot", before="Charging", transaction=7712)
    fault = house.one()
    assert (fault.number, fault.connector_id) == (int(START.timestamp()) + 7, 1)
    assert (fault.code, fault.vendor_id, fault.vendor_error_code, fault.info) == ("OtherError", None, "PP01", "pilot")
    assert (fault.raised, fault.last_seen, fault.occurrences) == (house.now().wall, house.now().wall, 1)
    assert (fault.pre_fault_status, fault.transaction_id) == ("Charging", 7712)
    assert (fault.cleared, fault.cleared_by) == (None, None)
    assert house.shown is not None
    assert (house.shown.at, house.shown.charger, house.shown.faults) == (house.now().wall, "cp01", (fault,))


def test_a_warning_has_no_status_before_it() -> None:
    house = FaultHouse()
    house.report("Charging", "WeakSignal", before="Preparing", transaction=5)
    assert (house.one().pre_fault_status, house.one().transaction_id) == (None, 5)


def test_the_end_is_told_late_and_with_the_true_time() -> None:
    house = FaultHouse()
    house.report("Faulted", "HighTemperature")
    house.wait(60)
    house.report("Charging")
    ended = house.now().wall
    assert house.wait(CLEAR_AFTER_S - 0.1) == []
    assert house.faults.active(1)
    assert house.wait(0.1) == [("cleared", "HighTemperature", "error")]
    news = house.news[-1]
    assert (news.at, news.fault.cleared, news.fault.cleared_by) == (ended, ended, "status_notification")
    assert news.fault.last_seen == START
    assert not house.faults.active(1)


def test_only_the_first_end_counts() -> None:
    house = FaultHouse()
    house.report("Faulted", "HighTemperature")
    house.report("Charging")
    ended = house.now().wall
    house.wait(3)
    house.report("SuspendedEV")
    assert house.wait(2) == [("cleared", "HighTemperature", "error")]
    assert house.news[-1].fault.cleared == ended


def test_a_raise_within_five_seconds_continues_the_fault() -> None:
    house = FaultHouse()
    house.report("Faulted", "GroundFailure", before="Charging")
    number = house.one().number
    for _ in range(3):
        house.report("Charging", before="Faulted")
        house.wait(CLEAR_AFTER_S - 1)
        assert house.report("Faulted", "GroundFailure", before="Charging") == []
    assert house.wait(600) == []
    assert (house.one().number, house.one().occurrences, house.writes) == (number, 4, 1)

    house.report("Available")
    house.wait(CLEAR_AFTER_S)
    assert house.news[-1].fault.occurrences == 4


def test_a_raise_after_five_seconds_is_another_fault() -> None:
    house = FaultHouse()
    house.report("Faulted", "GroundFailure")
    number = house.one().number
    house.report("Charging")
    house.wait(CLEAR_AFTER_S)
    assert house.report("Faulted", "GroundFailure") == [("raised", "GroundFailure", "error")]
    assert house.one().number > number


def test_a_timer_that_comes_late_changes_nothing() -> None:
    house = FaultHouse()
    house.report("Faulted", "GroundFailure")
    house.report("Charging")
    house.monotonic += CLEAR_AFTER_S
    told = house.report("Faulted", "GroundFailure")
    assert told == [("cleared", "GroundFailure", "error"), ("raised", "GroundFailure", "error")]
    assert house.timer_at is None


def test_a_timer_that_comes_early_is_set_again() -> None:
    house = FaultHouse()
    house.report("Faulted", "GroundFailure")
    house.report("Charging")
    house.monotonic += CLEAR_AFTER_S - 0.25
    house.timer_at = None
    assert house.carry_out(house.faults.timer(house.now())) == []
    assert house.timer_at == house.monotonic + 0.25


def test_ends_of_two_connectors_are_told_each_in_its_time() -> None:
    house = FaultHouse()
    house.report("Faulted", "GroundFailure", connector=1)
    house.report("Faulted", "HighTemperature", connector=2)
    house.report("Available", connector=1)
    house.wait(2)
    house.report("Available", connector=2)
    assert house.wait(3) == [("cleared", "GroundFailure", "error")]
    assert house.wait(2) == [("cleared", "HighTemperature", "error")]


def test_faulted_without_a_code_is_unknown() -> None:
    house = FaultHouse()
    assert house.report("Faulted") == [("raised", "Unknown", "error")]
    house.wait(30)
    assert house.report("Faulted") == []
    assert house.one().last_seen == house.now().wall


def test_faulted_without_a_code_confirms_the_errors_there() -> None:
    house = FaultHouse()
    house.report("Faulted", "HighTemperature")
    house.report("Faulted", "OverVoltage")
    house.wait(30)
    assert house.report("Faulted") == []
    assert [fault.last_seen for fault in house.faults.of(1)] == [house.now().wall] * 2
    assert [fault.occurrences for fault in house.faults.of(1)] == [1, 1]


def test_an_unknown_fault_gets_its_name_later() -> None:
    house = FaultHouse()
    house.report("Faulted", before="Charging")
    number = house.one().number
    assert house.report("Faulted", "OtherError", vendor="PP01") == [("updated", "OtherError", "error")]
    fault = house.one()
    assert (fault.number, fault.vendor_error_code, fault.occurrences) == (number, "PP01", 1)
    assert fault.pre_fault_status == "Charging"


def test_an_unknown_fault_whose_name_is_open_already_ends() -> None:
    house = FaultHouse()
    house.report("Charging", "HighTemperature")
    house.report("Faulted")
    assert house.report("Faulted", "HighTemperature") == [("updated", "HighTemperature", "error")]
    assert house.wait(CLEAR_AFTER_S) == [("cleared", "Unknown", "error")]
    assert house.one().code == "HighTemperature"


def test_an_unknown_fault_that_ended_is_not_named() -> None:
    house = FaultHouse()
    house.report("Faulted")
    house.report("Available")
    house.wait(1)
    assert house.report("Faulted", "HighTemperature") == [("raised", "HighTemperature", "error")]
    assert house.wait(4) == [("cleared", "Unknown", "error")]


def test_an_unknown_fault_comes_and_goes_as_one() -> None:
    house = FaultHouse()
    house.report("Faulted")
    house.report("Available")
    house.wait(1)
    assert house.report("Faulted", vendor="0x0000") == []
    assert (house.one().occurrences, house.wait(60)) == (2, [])


def test_a_named_fault_that_ended_is_not_the_unknown_one() -> None:
    house = FaultHouse()
    house.report("Faulted", "HighTemperature")
    house.report("Available")
    house.wait(1)
    assert house.report("Faulted") == [("raised", "Unknown", "error")]
    assert house.wait(4) == [("cleared", "HighTemperature", "error")]


def test_a_warning_that_the_charger_itself_calls_unknown() -> None:
    house = FaultHouse()
    house.report("Charging", "unknown")
    assert house.report("Faulted") == [("updated", "unknown", "error")]
    assert len(house.faults.of(1)) == 1


def test_another_code_adds_a_warning() -> None:
    house = FaultHouse()
    house.report("Charging", "WeakSignal")
    assert house.report("Charging", "HighTemperature") == [("raised", "HighTemperature", "warning")]
    assert house.wait(60) == []
    assert [fault.code for fault in house.faults.of(1)] == ["WeakSignal", "HighTemperature"]
    house.report("Charging")
    assert house.wait(5) == [("cleared", "WeakSignal", "warning"), ("cleared", "HighTemperature", "warning")]


def test_another_code_while_faulted_adds_an_error() -> None:
    house = FaultHouse()
    house.report("Charging", "WeakSignal")
    house.report("Faulted", "HighTemperature", before="Charging")
    house.report("Faulted", "OverVoltage", before="Faulted")
    assert house.wait(60) == []
    assert [fault.severity for fault in house.faults.of(1)] == ["warning", "error", "error"]
    assert [fault.pre_fault_status for fault in house.faults.of(1)] == [None, "Charging", "Charging"]
    house.report("Charging", "UnderVoltage")
    assert house.wait(5) == [("cleared", "HighTemperature", "error"), ("cleared", "OverVoltage", "error")]
    assert [fault.code for fault in house.faults.of(1)] == ["WeakSignal", "UnderVoltage"]


def test_a_code_told_in_turn_with_another_counts_each_time() -> None:
    house = FaultHouse()
    for _ in range(3):
        house.report("Charging", "WeakSignal")
        house.report("Charging", "HighTemperature")
        house.report("Charging", "HighTemperature")
    assert [fault.occurrences for fault in house.faults.of(1)] == [3, 3]
    assert house.writes == 2


@pytest.mark.parametrize("status", ["Faulted", "Charging"])
def test_warnings_end_with_no_error_whatever_the_status(status: str) -> None:
    house = FaultHouse()
    house.report("Charging", "WeakSignal")
    house.report(status)
    assert ("cleared", "WeakSignal", "warning") in house.wait(5)


def test_a_warning_becomes_an_error_and_a_warning_again() -> None:
    house = FaultHouse()
    house.report("Charging", "HighTemperature", before="Preparing")
    number = house.one().number
    told = house.report("Faulted", "HighTemperature", before="Charging", transaction=9)
    assert told == [("updated", "HighTemperature", "error")]
    assert (house.one().pre_fault_status, house.one().transaction_id) == ("Charging", 9)
    assert house.report("SuspendedEV", "HighTemperature") == [("updated", "HighTemperature", "warning")]
    assert house.wait(60) == []
    house.report("Faulted", "HighTemperature", before="SuspendedEV", transaction=10)
    fault = house.one()
    assert (fault.number, fault.occurrences) == (number, 1)
    assert (fault.pre_fault_status, fault.transaction_id) == ("SuspendedEV", 9)
    house.report("Available")
    assert house.wait(5) == [("cleared", "HighTemperature", "error")]


def test_an_error_that_ended_comes_back_as_a_warning() -> None:
    house = FaultHouse()
    house.report("Faulted", "HighTemperature")
    house.report("Charging")
    house.wait(1)
    assert house.report("Charging", "HighTemperature") == [("updated", "HighTemperature", "warning")]
    assert house.wait(60) == []


@pytest.mark.parametrize(
    ("first", "then", "told"),
    [
        ("fan stuck", "fan 2 stuck", True),
        ("fan stuck", "pump stuck", True),
        ("fan stuck", "  FAN stuck ", False),
        ("fan stuck", None, False),
        (None, "fan stuck", True),
        ("inside 81.2 C", "inside 9 C", False),
        ("inside -3,5 C", "inside +12 C", False),
        ("since 08:01:59", "since 9:02", False),
    ],
)
def test_other_words_in_info_are_told_and_other_figures_are_not(first: str | None, then: str, told: bool) -> None:
    house = FaultHouse()
    house.report("Charging", "HighTemperature", info=first)
    assert bool(house.report("Charging", "HighTemperature", info=then)) is told
    assert house.one().info == (then or first)
    assert house.writes == 1 + told


def test_vendor_codes_are_faults_of_their_own() -> None:
    house = FaultHouse()
    house.report("Charging", "OtherError", vendor="PP01")
    assert house.report("Charging", "OtherError", vendor="PP02") == [("raised", "OtherError", "warning")]
    assert house.report("Charging", "othererror ", vendor="pp01") == []
    assert len({fault.number for fault in house.faults.of(1)}) == 2


@pytest.mark.parametrize("nothing", ["NoError", "noerror", " NoError ", ""])
def test_no_error_in_any_spelling(nothing: str) -> None:
    house = FaultHouse()
    assert house.report("Charging", nothing) == []
    assert house.report(" FAULTED ", nothing) == [("raised", "Unknown", "error")]
    assert house.report("charging", nothing) == []
    assert house.wait(5) == [("cleared", "Unknown", "error")]


def test_connector_0_does_not_touch_the_others() -> None:
    house = FaultHouse()
    house.report("Faulted", "PowerMeterFailure", connector=0)
    house.report("Faulted", "PowerMeterFailure", connector=1)
    house.report("Available", connector=1)
    assert house.wait(60) == [("cleared", "PowerMeterFailure", "error")]
    assert house.faults.active(0)
    assert not house.faults.active(1)
    assert house.faults.worst() == "error"
