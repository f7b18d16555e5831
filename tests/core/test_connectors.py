"""`gateway.core.connectors`: what is known of each connector, and what changes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.core.connectors import MOST_CONNECTORS, News
from gateway.core.memory import PreviousStatus
from gateway.core.moment import Moment
from gateway.core.reports import StatusReported
from tests.core.bay import START, Bay, at, restored

# Reports


def test_a_first_report_has_no_past() -> None:
    bay = Bay()
    assert bay.says(1, "Preparing") is News.CHANGED
    known, record = bay.get(), bay.record
    assert (record.report.status, record.condition, record.since, record.previous) == (
        "Preparing",
        "preparing",
        at(1).wall,
        None,
    )
    assert (known.source, known.stale, known.stale_since, known.stale_reason) == (
        "status_notification",
        False,
        None,
        None,
    )
    assert (known.delivered, known.at, record.transition, record.unexpected) == (False, at(1).wall, None, 0)


def test_a_change_remembers_what_was_before() -> None:
    bay = Bay()
    bay.says(1, "Preparing")
    assert bay.says(5, "Charging") is News.CHANGED
    assert bay.record.since == at(5).wall
    assert bay.record.previous == PreviousStatus("Preparing", "preparing", at(1).wall)
    assert (bay.record.transition, bay.record.unexpected) == ("B3", 0)


def test_a_repeat_confirms_and_changes_nothing_else() -> None:
    bay = Bay()
    bay.says(1, "Charging", told=1)
    before = bay.record
    assert bay.says(9, "Charging", told=9) is News.CONFIRMED
    assert bay.record is before
    assert bay.get().at == at(9).wall
    assert bay.says(10, " charging") is News.CONFIRMED


@pytest.mark.parametrize(
    "more",
    [
        {"error_code": "WeakSignal"},
        {"info": "door open"},
        {"vendor_id": "com.example"},
        {"vendor_error_code": "E7"},
    ],
)
def test_other_details_of_the_same_status_are_kept_and_since_stays(more: dict[str, Any]) -> None:
    bay = Bay()
    bay.says(1, "Preparing")
    bay.says(2, "Charging")
    before = bay.record
    assert bay.says(9, "Charging", **more) is News.DETAILS
    assert bay.record == replace(before, report=StatusReported(1, "Charging", **more))
    assert bay.says(10, "Charging", **more) is News.CONFIRMED


def test_the_spelling_of_the_error_code_is_no_news() -> None:
    bay = Bay()
    bay.says(1, "Charging")
    assert bay.says(2, "Charging", error_code="noerror") is News.CONFIRMED


def test_a_status_that_nobody_knows_is_kept_as_sent() -> None:
    bay = Bay()
    bay.says(1, "Kaputt")
    assert (bay.record.report.status, bay.condition) == ("Kaputt", "unknown")
    bay.says(2, "Charging")
    assert bay.record.transition is None


def test_a_change_that_the_specification_does_not_list_is_kept_and_counted() -> None:
    bay = Bay()
    for second, status in enumerate(("Finishing", "Charging", "Reserved", "Available", "Finishing")):
        assert bay.says(second, status) is News.CHANGED
        assert bay.record.report.status == status
    assert (bay.record.transition, bay.record.unexpected) == ("A6", 3)
    bay.says(9, "Faulted")
    assert (bay.record.transition, bay.record.unexpected) == ("F9", 3)


def test_since_never_moves_back_where_the_gateways_clock_is_corrected() -> None:
    bay = Bay()
    bay.says(100, "Preparing")
    bay.connectors.reported(StatusReported(1, "Charging"), Moment(at(40).wall, 101))
    assert bay.record.since == at(100).wall
    assert bay.record.previous == PreviousStatus("Preparing", "preparing", at(100).wall)


def test_a_broken_charger_cannot_name_connectors_without_end() -> None:
    bay = Bay()
    for connector in range(MOST_CONNECTORS):
        bay.says(1, "Available", connector)
    assert bay.says(2, "Available", MOST_CONNECTORS) is News.TOO_MANY
    assert bay.connectors.get(MOST_CONNECTORS) is None
    assert bay.says(3, "Charging") is News.CHANGED
    assert len(list(bay.connectors)) == MOST_CONNECTORS


def test_connector_0_is_known_and_not_listed() -> None:
    bay = Bay()
    for connector in (2, 0, 1):
        bay.says(1, "Available", connector)
    assert bay.connectors.ids() == (1, 2)
    assert {known.record.connector_id for known in bay.connectors} == {0, 1, 2}


# Reports of the past


def test_a_late_report_changes_nothing() -> None:
    bay = Bay()
    bay.says(100, "Preparing", told=100)
    bay.says(110, "Charging", told=110)
    bay.connectors.went_stale("charger_offline", at(120))
    before, known = bay.record, replace(bay.get())
    assert bay.says(145, "Available", told=105) is News.LATE
    assert bay.says(146, "Available", told=105) is News.LATE_AGAIN
    assert bay.record is before
    assert (bay.get().at, bay.get().stale, bay.get().newest) == (known.at, True, known.newest)
    assert bay.get().late == StatusReported(1, "Available", reported_at=at(105).wall)


def test_a_report_of_now_makes_the_late_one_history() -> None:
    bay = Bay()
    bay.says(100, "Charging", told=100)
    bay.says(130, "Available", told=50)
    bay.says(131, "Charging", told=131)
    assert bay.get().late is None
    assert bay.connectors.held(-80.0) == []


def test_without_a_time_or_with_the_same_one_the_order_of_receipt_counts() -> None:
    bay = Bay()
    bay.says(100, "Preparing", told=100)
    assert bay.says(101, "Charging", told=100) is News.CHANGED
    assert bay.says(102, "Finishing") is News.CHANGED
    assert bay.says(103, "Charging", told=99) is News.CHANGED
    assert bay.says(140, "Available", told=98) is News.LATE
    assert bay.condition == "charging"


def test_a_late_report_of_something_else_makes_the_state_doubtful() -> None:
    bay = Bay()
    bay.says(100, "Charging", told=100)
    assert bay.says(200, "Charging", told=50) is News.LATE
    assert not bay.get().stale
    assert bay.says(201, "Faulted", told=51) is News.LATE
    assert (bay.get().stale, bay.get().stale_reason, bay.condition) == (True, "clock", "charging")
    assert bay.says(202, "Charging", told=202) is News.CONFIRMED
    assert not bay.get().stale


def test_a_clock_that_nobody_had_set_does_not_hold_the_present_back() -> None:
    bay = Bay()
    bay.connectors.reported(StatusReported(1, "Preparing"), Moment(START + timedelta(days=365), 100))
    bay.connectors.reported(StatusReported(1, "Charging"), at(101))
    assert bay.record.since == at(101).wall


def test_figures_in_info_are_no_news() -> None:
    bay = Bay()
    bay.connectors.reported(StatusReported(1, "Charging", info="T=34.5"), at(1))
    assert bay.connectors.reported(StatusReported(1, "Charging", info="T=35.0"), at(2)) is News.CONFIRMED
    assert bay.connectors.reported(StatusReported(1, "Charging", info="hot"), at(3)) is News.DETAILS


def test_a_charger_that_is_back_has_yet_to_confirm() -> None:
    bay = Bay()
    bay.says(1, "Charging")
    bay.connectors.went_stale("charger_offline", at(9))
    bay.connectors.came_back(at(20))
    assert (bay.get().stale, bay.get().stale_reason, bay.get().stale_since) == (True, "unconfirmed", at(9).wall)
    bay.says(21, "Charging")
    assert not bay.get().stale


def test_what_was_asked_for_is_about_now_whatever_time_it_tells() -> None:
    bay = Bay()
    bay.says(100, "Charging", told=100)
    news = bay.connectors.reported(StatusReported(1, "Available", reported_at=at(5).wall), at(110), "trigger")
    assert (news, bay.condition, bay.get().source) == (News.CHANGED, "available", "trigger")
    bay.says(120, "Available", told=12)
    assert bay.get().source == "status_notification"


def test_after_a_boot_nothing_is_late() -> None:
    bay = Bay()
    bay.says(100, "Charging", told=100)
    bay.says(101, "Finishing", told=50)
    bay.connectors.begin_anew()
    assert bay.get().late is None
    assert bay.says(110, "Available", told=3) is News.CHANGED


def test_reports_that_are_late_by_a_clock_that_was_set_back_are_about_now() -> None:
    bay = Bay()
    for connector in (1, 2, 3):
        bay.says(1000, "Charging", connector, told=1000)
    bay.says(1010, "Finishing", 1, told=410)
    bay.says(1015, "Available", 2, told=10)
    held = bay.connectors.held(-600.0)
    assert [(report.connector_id, report.status) for report in held] == [(1, "Finishing")]
    assert [known.late for known in bay.connectors] == [None] * 3
    assert bay.connectors.reported(held[0], at(1070)) is News.CHANGED
    assert bay.says(1080, "Available", 2, told=480) is News.CHANGED


# What upstream has


def test_upstream_confirms_the_report_that_stands() -> None:
    bay = Bay()
    report = StatusReported(1, "Available", charger_ts="x")
    bay.connectors.reported(report, at(1))
    assert bay.connectors.delivered(report)
    assert bay.get().delivered
    assert not bay.connectors.delivered(report)
    bay.says(3, "Available")
    assert bay.get().delivered
    bay.says(4, "Available", info="x")
    assert not bay.get().delivered


def test_upstream_confirms_a_report_that_was_overtaken() -> None:
    bay = Bay()
    old, details = StatusReported(1, "Preparing"), StatusReported(1, "Charging", "WeakSignal")
    bay.connectors.reported(old, at(1))
    bay.connectors.reported(details, at(2))
    bay.says(3, "Charging")
    assert not bay.connectors.delivered(old)
    assert not bay.connectors.delivered(details)
    assert not bay.connectors.delivered(StatusReported(7, "Available"))
    assert bay.get().delivered is False


def test_a_late_report_is_not_the_one_that_upstream_confirms() -> None:
    bay = Bay()
    bay.says(100, "Charging", told=100)
    late = StatusReported(1, "Charging", reported_at=at(50).wall)
    assert bay.connectors.reported(late, at(110)) is News.LATE
    assert not bay.connectors.delivered(late)


# Old states


def test_an_unreachable_charger_leaves_old_states_behind() -> None:
    bay = Bay()
    bay.says(1, "Charging")
    bay.says(1, "Available", 0)
    stale = bay.connectors.went_stale("charger_offline", at(9))
    assert {known.record.connector_id for known in stale} == {0, 1}
    for known in stale:
        assert (known.stale, known.stale_since, known.stale_reason, known.at) == (
            True,
            at(9).wall,
            "charger_offline",
            at(9).wall,
        )
        assert known.record.since == at(1).wall
    assert bay.connectors.went_stale("charger_offline", at(20)) == []


def test_a_new_report_is_fresh_again() -> None:
    bay = Bay()
    bay.says(1, "Charging")
    bay.connectors.went_stale("charger_offline", at(9))
    assert bay.says(20, "Charging") is News.CONFIRMED
    known = bay.get()
    assert (known.stale, known.stale_since, known.stale_reason) == (False, None, None)
    assert bay.record.since == at(1).wall


def test_what_was_remembered_is_there_again_and_old() -> None:
    bay = Bay()
    bay.says(1, "Preparing", told=1)
    bay.says(5, "Charging", told=5)
    again = restored(bay.record)
    assert again.record == bay.record
    known = again.get()
    assert (known.source, known.stale, known.stale_since, known.stale_reason) == (
        "restored",
        True,
        at(1000).wall,
        "restored_after_restart",
    )
    assert known.delivered is None
    assert again.says(1001, "Charging", told=5) is News.CONFIRMED
    assert (again.get().stale, again.get().source) == (False, "status_notification")
    assert again.record == bay.record


def test_late_is_known_over_a_restart() -> None:
    bay = Bay()
    bay.says(5, "Charging", told=5)
    again = restored(bay.record)
    assert again.says(1001, "Available", told=3) is News.LATE
    assert again.says(1002, "Finishing", told=7) is News.CHANGED


def test_a_future_time_that_was_remembered_makes_nothing_late() -> None:
    bay = Bay()
    bay.says(5, "Charging", told=100_000)
    again = restored(bay.record)
    assert again.says(1001, "Available", told=1001) is News.CHANGED


def test_upstreams_answer_to_a_confirmation_after_a_restart_counts() -> None:
    bay = Bay()
    bay.says(5, "Charging")
    again = restored(bay.record)
    again.says(1001, "Charging")
    assert again.get().delivered is None
    assert again.connectors.delivered(StatusReported(1, "Charging"))


def test_whoever_has_reported_since_is_known_better_than_the_store() -> None:
    bay = Bay()
    bay.says(1, "Charging")
    stored = replace(bay.record, visit=10**10)
    bay.says(50, "Finishing")
    bay.connectors.restore([stored, replace(stored, report=StatusReported(2, "Charging"))], at(60))
    assert (bay.record.report.status, bay.get(2).record.report.status) == ("Finishing", "Charging")
    bay.says(61, "Available")
    bay.says(62, "Preparing")
    assert bay.record.visit == 10**10 + 1
