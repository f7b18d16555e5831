"""`gateway.dialects.v16`: lenient reading of meter values."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from decimal import Decimal
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.metering import Meters
from gateway.core.moment import Moment
from gateway.core.ports import Reading
from gateway.core.reports import MeterReported, MeterValue, Sample
from gateway.dialects.v16 import Dialect16
from gateway.dialects.v16.fields import LARGEST_ID, LONGEST_NUMBER
from gateway.dialects.v16.metering import MOST_SAMPLES, MOST_VALUES

DIALECT = Dialect16()
AT = "2026-03-01T12:00:00Z"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
REGISTER = "Energy.Active.Import.Register"


def meter(*sampled: Any, **changes: Any) -> Reading:
    """The reading of a good MeterValues with these samples and some fields changed; None takes a field away."""
    payload = {"connectorId": 1, "meterValue": [{"timestamp": AT, "sampledValue": list(sampled)}], **changes}
    return DIALECT.read_call("MeterValues", {key: value for key, value in payload.items() if value is not None})


def told(reading: Reading) -> MeterReported:
    assert isinstance(reading.fact, MeterReported)
    return reading.fact


def sample(**fields: Any) -> Sample:
    """One sample as read."""
    reading = meter(fields)
    assert reading.oddities == ()
    (value,) = told(reading).values
    (only,) = value.samples
    return only


def test_a_complete_message() -> None:
    fields = {
        "value": "16.1",
        "context": "Trigger",
        "format": "Raw",
        "measurand": "Current.Import",
        "phase": "L1",
        "location": "Inlet",
        "unit": "A",
    }
    read = Sample("Current.Import", Decimal("16.1"), "A", "L1", "Inlet", "Trigger")
    assert meter(fields, transactionId=7712) == Reading(MeterReported(1, (MeterValue((read,), AT, NOON),), 7712))


def test_a_bare_value_is_what_the_specification_says() -> None:
    assert sample(value="333") == Sample(REGISTER, Decimal(333), None, None, "Outlet", "Sample.Periodic")
    assert sample(value="333", measurand="", context=" ", location="", unit="", phase="", format="") == sample(
        value="333"
    )


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("0", "0"),
        ("-3.25", "-3.25"),
        ("+7", "7"),
        (".5", "0.5"),
        ("5.", "5"),
        (" 12 ", "12"),
        ("2e+01", "20"),
        ("1E3", "1000"),
        ("1e-999", "1e-999"),
        (0, "0"),
        (230, "230"),
        (0.1, "0.1"),
        (-1e-7, "-1e-7"),
        ("9" * 20, "9" * 20),
    ],
)
def test_numbers_come_as_text_and_as_numbers(sent: object, read: str) -> None:
    assert (sample(value=sent).value, sample(value=sent).refused) == (Decimal(read), None)


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (None, "empty"),
        ("", "empty"),
        ("  ", "empty"),
        ("1,5", "comma_decimal"),
        (",5", "comma_decimal"),
        ("1,234.5", "not_a_number"),
        ("NaN", "not_a_number"),
        ("Infinity", "not_a_number"),
        ("-inf", "not_a_number"),
        ("0x1F", "not_a_number"),
        ("1_000", "not_a_number"),
        ("12 kWh", "not_a_number"),
        ("e5", "not_a_number"),
        ("\N{ARABIC-INDIC DIGIT THREE}", "not_a_number"),
        (True, "not_a_number"),
        ([1], "not_a_number"),
        ({"v": 1}, "not_a_number"),
        (float("nan"), "not_a_number"),
        (float("inf"), "too_large"),
        (float("-inf"), "too_large"),
        ("1e20", "too_large"),
        ("-1e999", "too_large"),
        (10**4000, "too_large"),
        ("1" * (LONGEST_NUMBER + 1), "too_long"),
    ],
)
def test_what_is_no_number_has_no_value_and_a_reason(sent: object, why: str) -> None:
    read = sample(value=sent, measurand="Voltage", unit="V")
    assert (read.value, read.refused, read.measurand) == (None, why, "Voltage")


def test_a_signed_record_is_not_read() -> None:
    read = sample(value="OCMF|{}|{}", format="signeddata", context="Transaction.End")
    assert read == Sample(REGISTER, None, context="Transaction.End", signed=True)


@pytest.mark.parametrize(
    ("field", "sent", "read"),
    [
        ("unit", "wh", "Wh"),
        ("unit", "KWH", "kWh"),
        ("unit", "Celcius", "Celsius"),
        ("unit", "Hz", "Hz"),
        ("unit", 5, "5"),
        ("phase", "l1-n", "L1-N"),
        ("phase", "R", "R"),
        ("measurand", "power.active.import", "Power.Active.Import"),
        ("measurand", "Maker.Own", "Maker.Own"),
        ("location", "outlet", "Outlet"),
        ("context", "transaction.begin", "Transaction.Begin"),
        ("context", "Sample.Backlog", "Sample.Backlog"),
    ],
)
def test_words_are_read_in_any_case_and_others_kept(field: str, sent: object, read: str) -> None:
    assert getattr(sample(value="1", **{field: sent}), field) == read


@pytest.mark.parametrize("sent", [None, "", "one", -1, 1001, [1]])
def test_without_a_connector_there_is_no_fact(sent: object) -> None:
    assert meter({"value": "1"}, connectorId=sent) == Reading(oddities=("unreadable_connector",))


@pytest.mark.parametrize(("sent", "read"), [(0, 0), ("1", 1), (1.0, 1)])
def test_connectors_come_in_several_spellings(sent: object, read: int) -> None:
    assert told(meter({"value": "1"}, connectorId=sent)).connector_id == read


@pytest.mark.parametrize(
    ("sent", "read", "oddities"),
    [
        (None, None, ()),
        ("", None, ()),
        (-1, -1, ()),
        (0, 0, ()),
        ("12", 12, ()),
        (12.0, 12, ()),
        (LARGEST_ID, LARGEST_ID, ()),
        (str(LARGEST_ID), LARGEST_ID, ()),
        (LARGEST_ID + 1, None, ("unreadable_transaction",)),
        ("abc", None, ("unreadable_transaction",)),
        (1.5, None, ("unreadable_transaction",)),
        ([], None, ("unreadable_transaction",)),
    ],
)
def test_transaction_ids_stay_as_they_are(sent: object, read: int | None, oddities: tuple[str, ...]) -> None:
    reading = meter({"value": "1"}, transactionId=sent)
    assert (told(reading).transaction_id, reading.oddities) == (read, oddities)


@pytest.mark.parametrize(
    ("sent", "oddities"),
    [
        (None, ("empty_meter_value",)),
        ("", ("empty_meter_value",)),
        ([], ("empty_meter_value",)),
        ("[]", ("unreadable_meter_value",)),
        (7, ("unreadable_meter_value",)),
        ([None, 7], ("unreadable_meter_value",)),
        ([{"timestamp": AT}], ("empty_sampled_value",)),
        ([{"timestamp": AT, "sampledValue": []}], ("empty_sampled_value",)),
        ([{"timestamp": AT, "sampledValue": "x"}], ("unreadable_sampled_value", "empty_sampled_value")),
    ],
)
def test_without_samples_there_is_nothing_to_read(sent: object, oddities: tuple[str, ...]) -> None:
    assert meter(meterValue=sent) == Reading(MeterReported(1, ()), oddities)


def test_what_is_no_object_in_a_list_is_left_out() -> None:
    good = {"timestamp": AT, "sampledValue": [{"value": "5"}, "7"]}
    reading = meter(meterValue=[None, good])
    assert [[each.value for each in value.samples] for value in told(reading).values] == [[5]]
    assert set(reading.oddities) == {"unreadable_meter_value", "unreadable_sampled_value"}


def test_an_object_counts_as_a_list_of_one() -> None:
    reading = meter(meterValue={"timestamp": AT, "sampledValue": {"value": "0.00", "unit": "kWh"}})
    assert [value.samples for value in told(reading).values] == [(Sample(REGISTER, Decimal(0), "kWh"),)]
    assert reading.oddities == ("object_instead_of_list",)


@pytest.mark.parametrize(
    ("fields", "oddity"),
    [
        ({}, "missing_time"),
        ({"timestamp": "2022-02-29T00:00:00Z"}, "unreadable_time"),
        ({"timestamp": "1970-01-01T00:00:00Z"}, "implausible_time"),
    ],
)
def test_a_value_without_a_usable_time_is_read(fields: dict[str, Any], oddity: str) -> None:
    reading = meter(meterValue=[{**fields, "sampledValue": [{"value": "5"}]}])
    (value,) = told(reading).values
    assert (value.charger_ts, value.sampled_at) == (fields.get("timestamp"), None)
    assert (len(value.samples), reading.oddities) == (1, (oddity,))


def test_values_stay_in_the_order_sent() -> None:
    listed = [{"timestamp": AT, "sampledValue": [{"value": n}, {"value": n + 1}]} for n in (1, 3, 5)]
    read = [each.value for value in told(meter(meterValue=listed)).values for each in value.samples]
    assert read == [1, 2, 3, 4, 5, 6]


def numbered(count: int, each: int) -> list[dict[str, Any]]:
    """So many values with so many samples each: 0, 1, 2, ..."""
    samples = [{"value": number} for number in range(count * each)]
    return [{"timestamp": AT, "sampledValue": samples[n * each : (n + 1) * each]} for n in range(count)]


@pytest.mark.parametrize(
    ("count", "each", "left"),
    [
        (MOST_VALUES, 1, MOST_VALUES),
        (MOST_VALUES + 1, 1, MOST_VALUES),
        (10_000, 1, MOST_VALUES),
        (MOST_SAMPLES // 7 + 2, 7, MOST_SAMPLES // 7 * 7),
        (3, MOST_SAMPLES - 1, MOST_SAMPLES - 1),
        (1, MOST_SAMPLES, MOST_SAMPLES),
        (2, MOST_SAMPLES + 5, MOST_SAMPLES),
    ],
)
def test_of_a_message_without_end_the_last_values_are_read_as_a_whole(count: int, each: int, left: int) -> None:
    reading = meter(meterValue=numbered(count, each))
    read = [sample.value for value in told(reading).values for sample in value.samples]
    assert read == [Decimal(n) for n in range(count * each - left, count * each)]
    assert reading.oddities == (("too_many_samples",) if left < count * each else ())
    assert {len(value.samples) for value in told(reading).values} == {min(each, MOST_SAMPLES)}


def work(listed: Any) -> int:
    """How many functions are called, those of C among them, to read a message and to know what the meter says."""
    calls = 0

    def count(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        Meters("cp01").reported(told(meter(meterValue=listed)), Moment(NOON, 0.0))
    finally:
        sys.setprofile(None)
    return calls


LONG = numbered(10_000, 4)
MOST_WORK = 100 * MOST_VALUES + 100 * MOST_SAMPLES


@pytest.mark.parametrize(
    "listed",
    [
        numbered(10_000, 1),
        numbered(MOST_VALUES, 40),
        [{**value, "timestamp": f"{AT[:11]}{n // 60 % 24:02}:{n % 60:02}:00Z"} for n, value in enumerate(LONG)],
        numbered(1, 50_000),
        [{}] * 100_000,
        [7] * 100_000,
        [{"timestamp": AT, "sampledValue": [7] * 1000}] * 500,
        [{"timestamp": AT, "sampledValue": {"value": "1"}}] * 10_000,
        [{"timestamp": AT, "sampledValue": [{}] * 100}] * 1000,
    ],
    ids=["values", "both", "history", "samples", "empty", "numbers", "no samples", "objects", "empty samples"],
)
def test_a_message_of_any_length_is_little_work(listed: list[Any]) -> None:
    # One reader serves every charger: what is not read of a message is not even looked at.
    assert work(listed) <= MOST_WORK
    assert work(listed * 2) <= work(listed) + 100


FIELDS = ("connectorId", "transactionId", "meterValue", "timestamp", "sampledValue", "value", "unit", "phase", "format")
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
PLAUSIBLE = st.sampled_from([1, "1", 0.0, "", AT, "SignedData", "1e5", "nan", 2**63, "kWh", "L1"])
ANYTHING = st.recursive(
    SCALARS | PLAUSIBLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=12,
)


@given(st.sampled_from(["MeterValues", "StopTransaction"]), st.dictionaries(st.sampled_from(FIELDS), ANYTHING))
def test_no_payload_is_too_odd(action: str, payload: dict[str, Any]) -> None:
    sent = json.loads(json.dumps(payload))
    before = json.dumps(sent)
    fact = DIALECT.read_call(action, sent).fact
    assert json.dumps(sent) == before
    for value in getattr(fact, "values", ()):
        assert value.samples
        for each in value.samples:
            assert (each.value is None) == (each.signed or each.refused is not None)
            assert each.value is None or each.value.is_finite()
