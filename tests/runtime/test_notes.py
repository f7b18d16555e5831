"""One line per event, counted; what repeats all night is told once an hour."""

from __future__ import annotations

import pytest

from gateway.core.effects import Level, Note
from gateway.runtime.notes import MOST_REMEMBERED, Notes
from tests.fakes.clock import StandingClock

OUTAGE = Note("outage_unreachable", "upstream unreachable", Level.WARNING)
CONNECTED = Note("charger_connected", "connected")


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def notes(clock: StandingClock, caplog: pytest.LogCaptureFixture) -> Notes:
    caplog.set_level("DEBUG", "gateway")
    return Notes(clock)


def levels(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.levelname for record in caplog.records]


def test_a_line_carries_station_and_event(notes: Notes, caplog: pytest.LogCaptureFixture) -> None:
    notes.take(Note("call_relayed", "Heartbeat relayed", fields={"LEG": "down"}), "CP01")
    fields = vars(caplog.records[0])["fields"]
    assert fields == {"EVENT": "call_relayed", "LEG": "down", "CHARGE_POINT": "CP01"}
    assert notes.counters == {"call_relayed": 1}


def test_repeats_of_a_warning_are_debug_and_counted(notes: Notes, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        notes.take(OUTAGE, "CP01")
    notes.take(OUTAGE, "CP02")
    assert levels(caplog) == ["WARNING", "DEBUG", "DEBUG", "WARNING"]
    assert notes.counters["outage_unreachable"] == 4


def test_after_an_hour_the_number_of_repeats_is_told(
    notes: Notes, clock: StandingClock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        notes.take(OUTAGE, "CP01")
        clock.move(1800)
    assert levels(caplog) == ["WARNING", "DEBUG", "WARNING"]
    assert caplog.messages[-1] == "upstream unreachable (1 times more since it was last told)"


def test_an_outage_after_a_connection_is_news(notes: Notes, caplog: pytest.LogCaptureFixture) -> None:
    for note in (OUTAGE, CONNECTED, OUTAGE):
        notes.take(note, "CP01")
    assert levels(caplog) == ["WARNING", "INFO", "WARNING"]


def test_other_oddities_are_told_on_their_own(notes: Notes, caplog: pytest.LogCaptureFixture) -> None:
    for oddity in ("unknown_status", "unknown_status", "unknown_action"):
        notes.take(Note("odd_call_relayed", "odd", Level.WARNING, {"ODDITIES": oddity}), "CP01")
    assert levels(caplog) == ["WARNING", "DEBUG", "WARNING"]


def test_what_is_no_warning_is_always_told(notes: Notes, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        notes.take(CONNECTED, "CP01")
    assert levels(caplog) == ["INFO"] * 3


def test_memory_is_bounded(notes: Notes, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(MOST_REMEMBERED + 1):
        notes.take(OUTAGE, f"X{number}")
    caplog.clear()
    notes.take(OUTAGE, "X0")
    assert levels(caplog) == ["WARNING"]
