"""What each raw status means to those who do not speak OCPP."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp.v16.enums import ChargePointStatus

from gateway.core.condition import CONDITIONS, UNKNOWN, condition_of, is_faulty, meaning_of

WORDS = [*(condition.word for condition in CONDITIONS.values()), UNKNOWN.word]

# The words that the MQTT contract names; consumers build enumerations from them.
CONTRACT = [
    "available",
    "preparing",
    "charging",
    "suspended_ev",
    "suspended_evse",
    "finishing",
    "reserved",
    "occupied",
    "unavailable",
    "faulted",
    "unknown",
]


def test_words_are_those_of_the_contract() -> None:
    assert sorted(WORDS) == sorted(CONTRACT)


def test_every_status_of_ocpp_16_has_a_row() -> None:
    assert {status.value for status in ChargePointStatus} < set(CONDITIONS)


@pytest.mark.parametrize("status", [status.value for status in ChargePointStatus])
def test_only_unavailable_and_faulted_are_inoperative(status: str) -> None:
    assert meaning_of(status).operative is (status not in {"Unavailable", "Faulted"})


@pytest.mark.parametrize(
    ("status", "plugged", "charging", "in_session"),
    [
        ("Available", False, False, False),
        ("Preparing", None, False, False),
        ("Charging", True, True, True),
        ("SuspendedEV", True, False, True),
        ("SuspendedEVSE", True, False, True),
        ("Finishing", True, False, False),
        ("Reserved", None, False, False),
        ("Unavailable", None, False, None),
        ("Faulted", None, False, None),
        ("Occupied", None, None, None),
        ("SomethingNew", None, None, None),
    ],
)
def test_car_and_session(status: str, plugged: bool | None, charging: bool | None, in_session: bool | None) -> None:
    meaning = meaning_of(status)
    assert (meaning.plugged, meaning.charging, meaning.in_session) == (plugged, charging, in_session)


def test_only_reserved_is_reserved_and_a_fault_may_hide_it() -> None:
    assert [status for status, row in CONDITIONS.items() if row.reserved] == ["Reserved"]
    assert meaning_of("Faulted").reserved is None


@pytest.mark.parametrize("status", ["suspendedev", " SuspendedEV\n", "SUSPENDEDEV"])
def test_spelling_is_read_leniently(status: str) -> None:
    assert condition_of(status) == "suspended_ev"


@pytest.mark.parametrize("info", ["EV side disconnected", "ev side disconnected "])
def test_cable_pulled_at_the_car_is_not_plugged(info: str) -> None:
    assert meaning_of("SuspendedEV", info).plugged is False
    assert meaning_of("Finishing", info).plugged is False
    assert meaning_of("SuspendedEV", info).in_session is True
    assert meaning_of("Preparing", info).plugged is None
    assert meaning_of("SuspendedEV", "something else").plugged is True


@given(status=st.text(), info=st.none() | st.text())
def test_any_text_has_a_word(status: str, info: str | None) -> None:
    meaning = meaning_of(status, info)
    assert meaning.word == condition_of(status)
    assert meaning.word in WORDS
    assert meaning is UNKNOWN or meaning.operative is not None


@pytest.mark.parametrize(
    ("status", "error_code", "faulty"),
    [
        ("Available", "NoError", False),
        ("Available", "noError", False),
        ("Faulted", "NoError", True),
        ("SuspendedEV", "EVCommunicationError", True),
        ("Charging", "Error", True),
    ],
)
def test_fault_is_faulted_or_any_error_code(status: str, error_code: str, faulty: bool) -> None:
    assert is_faulty(status, error_code) is faulty
