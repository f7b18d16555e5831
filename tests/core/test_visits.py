"""`gateway.core.connectors`: what sessions, tags and cables mean for a connector, from plug-in to unplug."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from gateway.core.connectors import News
from gateway.core.memory import PreviousStatus
from gateway.core.moment import Moment
from gateway.core.reports import StatusReported
from gateway.core.traits import Trait
from tests.core.bay import START, Bay, at, restored

# After the end of a session


def after_a_session(status: str = "Charging") -> Bay:
    """A session ended while the connector showed this status."""
    bay = Bay({1})
    bay.says(1, "Preparing")
    bay.says(2, status)
    bay.sessions.discard(1)
    bay.connectors.ended(1, at(10))
    return bay


def test_preparing_after_a_session_is_finishing() -> None:
    bay = after_a_session()
    assert bay.says(11, "Preparing") is News.CHANGED
    assert (bay.record.report.status, bay.condition, bay.get().meaning.plugged) == ("Preparing", "finishing", True)
    assert bay.record.previous == PreviousStatus("Charging", "charging", at(2).wall)


def test_a_session_that_ends_in_preparing_turns_it_into_finishing() -> None:
    """The status may overtake the end of the transaction (1.6 3.7)."""
    bay = Bay({1})
    bay.says(1, "Charging")
    bay.says(5, "Preparing")
    assert (bay.condition, bay.get().meaning.in_session) == ("preparing", True)
    bay.sessions.clear()
    assert bay.connectors.ended(1, at(6))
    assert (bay.condition, bay.record.since) == ("finishing", at(6).wall)
    assert bay.record.previous == PreviousStatus("Preparing", "preparing", at(5).wall)
    assert bay.record.transition is None
    assert not bay.connectors.ended(1, at(7))


@pytest.mark.parametrize("connector", [1, None])
def test_a_tag_a_remote_start_or_a_new_session_begins_anew(connector: int | None) -> None:
    bay = after_a_session()
    bay.says(11, "Preparing")
    assert bay.connectors.begun(connector, at(20)) == [1]
    assert (bay.condition, bay.record.since, bay.record.ended) == ("preparing", at(20).wall, False)
    assert bay.connectors.begun(connector, at(21)) == []


def test_a_remote_start_elsewhere_begins_nothing_here() -> None:
    bay = after_a_session()
    bay.says(11, "Preparing")
    assert bay.connectors.begun(2, at(20)) == []
    assert bay.condition == "finishing"


def test_a_tag_shown_before_the_status_comes_counts() -> None:
    bay = after_a_session()
    bay.says(11, "Finishing")
    assert bay.connectors.begun(None, at(12)) == [1]
    assert bay.condition == "finishing"
    bay.says(13, "Preparing")
    assert bay.condition == "preparing"


def test_once_it_was_available_preparing_is_preparing() -> None:
    bay = after_a_session()
    bay.says(11, "Finishing")
    bay.says(12, "Available")
    assert not bay.record.ended
    bay.says(13, "Preparing")
    assert bay.condition == "preparing"


@pytest.mark.parametrize("status", ["Faulted", "Unavailable", "Finishing", "SuspendedEV"])
def test_what_comes_in_between_does_not_make_the_session_forgotten(status: str) -> None:
    bay = after_a_session()
    bay.says(11, status)
    bay.says(12, "Preparing")
    assert bay.condition == "finishing"


def test_the_end_of_a_session_is_known_while_the_connector_is_closed() -> None:
    bay = Bay({1})
    bay.says(1, "Charging")
    bay.says(2, "Unavailable")
    bay.sessions.clear()
    assert bay.connectors.ended(1, at(3))
    bay.says(4, "Preparing")
    assert bay.condition == "finishing"


def test_the_end_of_a_session_says_nothing_of_a_connector_that_is_free() -> None:
    bay = Bay({1})
    bay.says(1, "Charging")
    bay.says(2, "Available")
    bay.sessions.clear()
    assert not bay.connectors.ended(1, at(3))
    assert not bay.connectors.ended(7, at(3))
    bay.says(4, "Preparing")
    assert bay.condition == "preparing"


def test_the_end_is_known_over_a_restart() -> None:
    bay = after_a_session()
    bay.says(11, "Preparing")
    again = restored(bay.record)
    assert (again.condition, again.record) == ("finishing", bay.record)
    assert again.connectors.begun(None, at(1001)) == [1]
    assert again.condition == "preparing"


# Ways of chargers


def test_occupied_means_what_the_session_says() -> None:
    bay = Bay(traits={Trait.OCCUPIED_AS_IN_1_5})
    bay.says(1, "Occupied")
    assert bay.condition == "preparing"
    bay.sessions.add(1)
    assert bay.connectors.rejudge(1, at(5))
    assert (bay.record.report.status, bay.condition, bay.record.since) == ("Occupied", "charging", at(5).wall)
    bay.sessions.clear()
    bay.connectors.ended(1, at(9))
    assert bay.condition == "finishing"
    assert not bay.connectors.rejudge(1, at(10))
    assert not bay.connectors.rejudge(7, at(10))


def test_occupied_of_a_charger_that_is_not_known_for_it_stays_occupied() -> None:
    bay = Bay()
    bay.says(1, "Occupied")
    bay.sessions.add(1)
    assert bay.connectors.rejudge(1, at(2))
    assert (bay.condition, bay.get().meaning.in_session, bay.get().meaning.plugged) == ("occupied", True, None)
    assert bay.record.since == at(1).wall


def test_available_with_the_cable_in_does_not_tell_whether_a_car_is_there() -> None:
    honest, fox = Bay(), Bay(traits={Trait.AVAILABLE_WHILE_PLUGGED})
    for bay in (honest, fox):
        bay.says(1, "Available")
        assert bay.condition == "available"
    assert (honest.get().meaning.plugged, fox.get().meaning.plugged) == (False, None)


def test_a_session_outlives_a_status_that_denies_it() -> None:
    bay = Bay({1})
    bay.says(1, "Charging")
    bay.says(2, "Available")
    assert (bay.condition, bay.get().meaning.in_session) == ("available", True)


# Visits


def visit(bay: Bay) -> tuple[int | None, datetime | None]:
    return bay.record.visit, bay.record.plugged_at


def test_a_visit_lasts_from_its_first_sign_until_the_connector_is_free() -> None:
    bay = Bay()
    bay.says(1, "Available")
    assert visit(bay) == (None, None)
    bay.says(10, "Preparing")
    number = bay.record.visit
    assert number == int(at(10).wall.timestamp())
    assert bay.record.plugged_at is None
    for second, status in enumerate(("Charging", "SuspendedEV", "Faulted", "Unavailable", "Finishing"), 20):
        bay.says(second, status)
        assert visit(bay) == (number, at(20).wall)
    bay.says(40, "Available")
    assert visit(bay) == (None, None)


@pytest.mark.parametrize("status", ["Available", "Reserved", "Unavailable", "Faulted", "Kaputt"])
def test_nobody_visits_a_connector_of_which_nothing_says_so(status: str) -> None:
    bay = Bay()
    bay.says(1, status)
    assert bay.record.visit is None


def test_the_charger_itself_has_no_visits() -> None:
    bay = Bay()
    bay.says(1, "Charging", 0)
    assert bay.get(0).record.visit is None


def test_numbers_of_visits_grow_whatever_the_clock_does() -> None:
    bay = Bay()
    bay.says(100, "Preparing")
    bay.says(101, "Preparing", 2)
    bay.says(102, "Available")
    bay.connectors.reported(StatusReported(1, "Preparing"), Moment(START - timedelta(days=300), 103))
    numbers = [bay.get(1).record.visit, bay.get(2).record.visit]
    base = int(at(101).wall.timestamp())
    assert numbers == [base + 1, base]


def test_the_cable_that_comes_back_to_the_car_is_seen_under_the_same_status() -> None:
    bay = Bay()
    bay.says(1, "SuspendedEV", info="EV side disconnected")
    assert (bay.get().meaning.plugged, bay.record.plugged_at) == (False, None)
    assert bay.record.visit is not None
    assert bay.says(5, "SuspendedEV") is News.DETAILS
    assert (bay.get().meaning.plugged, bay.record.plugged_at) == (True, at(5).wall)
    assert bay.says(9, "SuspendedEV", info="EV side disconnected") is News.DETAILS
    assert (bay.get().meaning.plugged, bay.record.plugged_at) == (False, at(5).wall)


def test_a_visit_goes_on_over_a_restart() -> None:
    bay = Bay()
    bay.says(1, "Charging")
    again = restored(bay.record)
    again.says(1001, "Finishing")
    assert visit(again) == (bay.record.visit, at(1).wall)
    again.says(1002, "Available")
    again.connectors.reported(StatusReported(1, "Preparing"), Moment(START - timedelta(days=9), 1003))
    assert again.record.visit == (bay.record.visit or 0) + 1
