"""`gateway.dialects.v16`: lenient reading of statuses, boots and answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.condition import CONDITIONS
from gateway.core.frames import call_text, parse
from gateway.core.ports import Dialect, Reading
from gateway.core.reports import BootReported, Registration, StatusReported
from gateway.dialects.v16 import Dialect16
from gateway.dialects.v16.fields import LARGEST_CONNECTOR, LONGEST_TEXT
from gateway.dialects.v16.vocabulary import ACTIONS, ERROR_CODES, STATUSES

DIALECT: Dialect = Dialect16()
GOOD = {"connectorId": 1, "status": "Charging", "errorCode": "NoError"}

STATUS_FIELDS = ("connectorId", "status", "errorCode", "info", "vendorId", "vendorErrorCode", "timestamp")
BOOT_FIELDS = ("chargePointVendor", "chargePointModel", "chargePointSerialNumber", "chargeBoxSerialNumber", "interval")
FIELDS = (*STATUS_FIELDS, *BOOT_FIELDS, "firmwareVersion", "meterSerialNumber")
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=()), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3),
    max_leaves=5,
)
PLAUSIBLE = st.sampled_from([0, 1, "1", 1.0, "Available", "NoError", "", 2**31, -1, "9" * 700, "x" * 700])
PAYLOADS = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), ANYTHING | PLAUSIBLE)


def status(**changes: Any) -> Reading:
    """The reading of a good StatusNotification with some fields changed; None takes a field away."""
    payload = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    return DIALECT.read_call("StatusNotification", payload)


def reported(reading: Reading) -> StatusReported:
    assert isinstance(reading.fact, StatusReported)
    return reading.fact


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("action", ["BootNotification", "Heartbeat"])
@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-03-01T12:00:00Z", NOON),
        ("2026-03-01T12:00:00.250Z", NOON + timedelta(milliseconds=250)),
        ("2026-03-01T12:00:00.123456789Z", NOON + timedelta(microseconds=123456)),
        ("2026-03-01T13:00:00+01:00", NOON),
        ("2026-03-01T08:30:00-0330", NOON),
        ("2026-03-01T12:00:00", NOON),
        (" 2026-03-01 12:00:00z\n", NOON),
        ("20260301T120000Z", NOON),
        ("2019-12-31T23:59:59Z", None),
        ("2020-01-01T00:00:00+14:00", datetime(2019, 12, 31, 10, tzinfo=UTC)),
        ("2099-12-31T23:59:59-12:00", datetime(2100, 1, 1, 11, 59, 59, tzinfo=UTC)),
        ("2100-01-01T00:00:00Z", None),
        ("1970-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("2026-03-01", None),
        ("2026-W09-7", None),
        ("2026-02-30T12:00:00Z", None),
        ("2026-03-01T12:00:00 Europe/Vienna", None),
        ("2026-03-01T12:00:00." + "0" * 100 + "Z", None),
        ("2026-03-01\ud800 12:00:00", None),
        ("now", None),
        ("", None),
        (1772366400, None),
        (None, None),
        (["2026-03-01T12:00:00Z"], None),
    ],
)
def test_upstreams_time_is_read_in_any_form_and_believed_if_it_may_be_true(
    action: str, text: Any, time: datetime | None
) -> None:
    read = DIALECT.read_time(action, {"currentTime": text})
    assert read == time
    assert read is None or read.tzinfo is UTC


def test_only_answers_that_carry_the_time_tell_it() -> None:
    assert DIALECT.read_time("StartTransaction", {"currentTime": "2026-03-01T12:00:00Z"}) is None
    assert DIALECT.read_time("Heartbeat", {}) is None


@given(ANYTHING | st.datetimes().map(str) | st.datetimes(timezones=st.timezones()).map(datetime.isoformat))
def test_any_time_is_read_without_an_error(value: Any) -> None:
    read = DIALECT.read_time("Heartbeat", {"currentTime": value})
    assert read is None or 2019 <= read.year <= 2100


def test_a_complete_status() -> None:
    at = "2026-03-01T08:00:00Z"
    reading = status(errorCode="OtherError", info="door open", vendorId="acme", vendorErrorCode="E7", timestamp=at)
    fact = StatusReported(
        1, "Charging", "OtherError", "door open", "acme", "E7", at, datetime(2026, 3, 1, 8, tzinfo=UTC)
    )
    assert reading == Reading(fact)


@pytest.mark.parametrize("word", sorted(STATUSES))
def test_every_status_of_1_6_is_known_and_has_a_meaning(word: str) -> None:
    assert status(status=word).oddities == ()
    assert word in CONDITIONS


@pytest.mark.parametrize("code", sorted(ERROR_CODES))
def test_every_error_code_of_1_6_is_known(code: str) -> None:
    assert status(errorCode=code).oddities == ()


def test_nine_statuses_and_sixteen_error_codes() -> None:
    assert (len(STATUSES), len(ERROR_CODES)) == (9, 16)


@pytest.mark.parametrize(
    ("sent", "read"),
    [(0, 0), (2, 2), ("2", 2), ("02", 2), (" 2", 2), (2.0, 2), ("2.0", 2), (LARGEST_CONNECTOR, LARGEST_CONNECTOR)],
)
def test_connectors_come_in_several_spellings(sent: object, read: int) -> None:
    reading = status(connectorId=sent)
    assert reported(reading).connector_id == read
    assert reading.oddities == ()


@pytest.mark.parametrize(
    "sent",
    [
        *(
            None,
            True,
            "",
            "one",
            "-1",
            "1.5",
            "1,0",
            "0x1",
            "1" * 10,
            "\N{ARABIC-INDIC DIGIT THREE}",
            "\N{SUPERSCRIPT TWO}",
        ),
        *(1.5, float("inf"), float("nan"), 1e300, -1, LARGEST_CONNECTOR + 1, 10**400, [1], {"id": 1}),
    ],
)
def test_without_a_connector_there_is_no_fact(sent: object) -> None:
    assert status(connectorId=sent) == Reading(oddities=("unreadable_connector",))


@pytest.mark.parametrize("sent", [None, "", " ", False, ["Available"], {}])
def test_without_a_status_there_is_no_fact(sent: object) -> None:
    assert status(status=sent) == Reading(oddities=("unreadable_status",))


@pytest.mark.parametrize("sent", ["Occupied", "available", "Ausser Betrieb", 7])
def test_a_status_outside_the_list_is_kept_as_sent(sent: object) -> None:
    reading = status(status=sent)
    assert reported(reading).status == str(sent)
    assert reading.oddities == ("unknown_status",)


@pytest.mark.parametrize("sent", [None, "", True, []])
def test_a_missing_error_code_is_no_error(sent: object) -> None:
    reading = status(errorCode=sent)
    assert reported(reading).error_code == "NoError"
    assert reading.oddities == ("missing_error_code",)


def test_an_error_code_outside_the_list_is_kept_as_sent() -> None:
    reading = status(errorCode="Error", status="Kaputt")
    assert reported(reading).error_code == "Error"
    assert reading.oddities == ("unknown_status", "unknown_error_code")


def test_empty_texts_stand_for_absent_fields() -> None:
    reading = status(info="", vendorId=" ", vendorErrorCode="", timestamp="")
    fact = reported(reading)
    assert (reading.oddities, fact.reported_at) == ((), None)
    assert (fact.info, fact.vendor_id, fact.vendor_error_code, fact.charger_ts) == (None, None, None, None)


def test_numbers_become_text_and_long_texts_are_cut() -> None:
    fact = reported(status(vendorErrorCode=210, info="x" * (LONGEST_TEXT + 1), vendorId=0.5))
    assert (fact.vendor_error_code, fact.vendor_id) == ("210", "0.5")
    assert fact.info == "x" * LONGEST_TEXT


def test_blanks_around_a_text_are_not_part_of_it() -> None:
    fact = reported(status(status=" Charging\n", info=" door open "))
    assert (fact.status, fact.info) == ("Charging", "door open")


@pytest.mark.parametrize(
    ("sent", "written", "read", "oddities"),
    [
        ("2026-03-01T13:00:00+01", "2026-03-01T13:00:00+01", NOON, ()),
        (" 2026-03-01 12:00:00z", "2026-03-01 12:00:00z", NOON, ()),
        ("2026-03-01T12:00:00", "2026-03-01T12:00:00", NOON, ("time_without_zone",)),
        ("2022-02-29T12:00:00Z", "2022-02-29T12:00:00Z", None, ("unreadable_time",)),
        ("1970-01-01T00:00:07Z", "1970-01-01T00:00:07Z", None, ("implausible_time",)),
        (1772366400, "1772366400", None, ("unreadable_time",)),
        ({"at": 1}, None, None, ("unreadable_time",)),
    ],
)
def test_the_time_of_a_status_is_kept_as_written_and_read_where_it_tells_one(
    sent: object, written: str | None, read: datetime | None, oddities: tuple[str, ...]
) -> None:
    reading = status(timestamp=sent)
    fact = reported(reading)
    assert (fact.charger_ts, fact.reported_at, reading.oddities) == (written, read, oddities)


def test_a_complete_boot() -> None:
    payload = {
        "chargePointVendor": "Acme",
        "chargePointModel": "M1",
        "chargePointSerialNumber": "S1",
        "chargeBoxSerialNumber": "B1",
        "firmwareVersion": "1.2",
        "meterSerialNumber": "W1",
    }
    assert DIALECT.read_call("BootNotification", payload) == Reading(BootReported("Acme", "M1", "S1", "1.2", "W1"))


def test_an_older_serial_number_is_better_than_none() -> None:
    payload = {"chargePointVendor": "Acme", "chargePointModel": "M1", "chargeBoxSerialNumber": "B1"}
    assert DIALECT.read_call("BootNotification", payload).fact == BootReported("Acme", "M1", "B1")


@pytest.mark.parametrize(
    "payload", [{}, {"chargePointVendor": "Acme", "chargePointModel": ""}, {"chargePointModel": "M"}]
)
def test_a_boot_without_vendor_or_model_is_odd_and_still_a_boot(payload: Mapping[str, Any]) -> None:
    reading = DIALECT.read_call("BootNotification", payload)
    assert isinstance(reading.fact, BootReported)
    assert reading.oddities == ("missing_vendor_or_model",)


@pytest.mark.parametrize("action", ["Heartbeat", "DataTransfer", "bootnotification", "RemoteStartTransaction", ""])
def test_other_actions_have_nothing_to_read(action: str) -> None:
    assert DIALECT.read_call(action, GOOD) == Reading()


@pytest.mark.parametrize(
    ("payload", "registration"),
    [
        ({"status": "Accepted", "interval": 300}, Registration("Accepted", 300)),
        ({"status": "Pending", "interval": "60"}, Registration("Pending", 60)),
        ({"status": "Accepted", "interval": 10**30}, Registration("Accepted", None)),
        ({"status": "Accepted", "interval": 0}, Registration("Accepted", None)),
        ({"status": "Accepted", "interval": -5}, Registration("Accepted", None)),
        ({"status": "Accepted", "interval": True}, Registration("Accepted", None)),
        ({"status": "", "interval": None}, Registration("unknown", None)),
        ({}, Registration("unknown", None)),
    ],
)
def test_registration(payload: Mapping[str, Any], registration: Registration) -> None:
    assert DIALECT.read_registration(payload) == registration


def test_every_action_of_1_6_and_its_security_extension_is_known() -> None:
    assert {"Authorize", "StopTransaction", "SendLocalList", "SecurityEventNotification", "GetLog"} <= ACTIONS
    assert all(DIALECT.is_known(action) for action in ACTIONS)
    assert not DIALECT.is_known("TransactionEvent")
    assert not DIALECT.is_known("heartbeat")


def test_what_comes_all_day_long_is_routine() -> None:
    assert [action for action in sorted(ACTIONS) if DIALECT.is_routine(action)] == ["Heartbeat", "MeterValues"]


def test_the_refresh_is_a_call_of_1_6() -> None:
    action, payload = DIALECT.refresh(2)
    assert DIALECT.is_known(action)
    assert parse(call_text("1", action, payload)).payload == {
        "requestedMessage": "StatusNotification",
        "connectorId": 2,
    }


@pytest.mark.parametrize(
    ("payload", "accepted"),
    [
        ({"status": "Accepted"}, True),
        ({"status": "accepted "}, True),
        ({"status": "Rejected"}, False),
        ({"status": "NotImplemented"}, False),
        ({"status": ["Accepted"]}, False),
        ({"status": True}, False),
        ({}, False),
    ],
)
def test_only_the_word_accepted_accepts(payload: Mapping[str, Any], accepted: bool) -> None:
    assert DIALECT.read_accepted(payload) is accepted


@given(st.sampled_from(["StatusNotification", "BootNotification", "Heartbeat"]) | st.text(max_size=5), PAYLOADS)
def test_no_payload_is_too_odd(action: str, payload: dict[str, Any]) -> None:
    sent = json.loads(json.dumps(payload))
    texts: list[str | None] = []
    match DIALECT.read_call(action, sent).fact:
        case StatusReported() as fact:
            assert action == "StatusNotification"
            assert 0 <= fact.connector_id <= LARGEST_CONNECTOR
            texts = [fact.status, fact.error_code, fact.info, fact.vendor_id, fact.vendor_error_code, fact.charger_ts]
            assert fact.status
            assert fact.error_code
        case BootReported() as fact:
            assert action == "BootNotification"
            texts = [fact.vendor, fact.model, fact.serial, fact.firmware, fact.meter_serial]
    assert all(text is None or 0 < len(text) <= LONGEST_TEXT for text in texts)


@given(PAYLOADS)
def test_no_answer_to_a_boot_is_too_odd(payload: dict[str, Any]) -> None:
    registration = DIALECT.read_registration(payload)
    assert registration.status
    assert registration.interval_s is None or registration.interval_s > 0
