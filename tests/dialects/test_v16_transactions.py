"""`gateway.dialects.v16`: lenient reading of the messages of a transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.ports import Reading
from gateway.core.reports import (
    MeterValue,
    RemoteStartRequested,
    Sample,
    TagPresented,
    TransactionNumbered,
    TransactionStarted,
    TransactionStopped,
)
from gateway.dialects.v16 import Dialect16
from gateway.dialects.v16.transactions import LARGEST_REGISTER_WH
from gateway.dialects.v16.vocabulary import REASONS

DIALECT = Dialect16()
AT = "2026-03-01T12:00:00Z"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
START = {"connectorId": 1, "idTag": "TAG-1", "meterStart": 4605100, "timestamp": AT}
STOP = {"transactionId": 7712, "meterStop": 4625480, "timestamp": AT}


def start(**changes: Any) -> Reading:
    payload = {key: value for key, value in {**START, **changes}.items() if value is not None}
    return DIALECT.read_call("StartTransaction", payload)


def stop(**changes: Any) -> Reading:
    payload = {key: value for key, value in {**STOP, **changes}.items() if value is not None}
    return DIALECT.read_call("StopTransaction", payload)


def started(reading: Reading) -> TransactionStarted:
    assert isinstance(reading.fact, TransactionStarted)
    return reading.fact


def stopped(reading: Reading) -> TransactionStopped:
    assert isinstance(reading.fact, TransactionStopped)
    return reading.fact


def test_a_complete_start() -> None:
    assert start() == Reading(TransactionStarted(1, "TAG-1", 4605100, AT, NOON))


@pytest.mark.parametrize("sent", [None, "", 0, "0", -1, "one", 1001])
def test_a_start_without_a_connector_is_none(sent: object) -> None:
    assert start(connectorId=sent) == Reading(oddities=("unreadable_connector",))


@pytest.mark.parametrize("sent", [None, "", "  ", [], True])
def test_a_start_without_a_tag_is_odd_and_still_a_start(sent: object) -> None:
    reading = start(idTag=sent)
    assert (started(reading).id_tag, reading.oddities) == (None, ("missing_id_tag",))


def test_a_start_without_a_time() -> None:
    reading = start(timestamp="")
    assert (started(reading).charger_ts, started(reading).started_at) == (None, None)
    assert reading.oddities == ("missing_time",)


@pytest.mark.parametrize(
    ("sent", "read", "oddities"),
    [
        (0, 0, ()),
        ("12345", 12345, ()),
        ("12345.0", 12345, ()),
        (12345.0, 12345, ()),
        ("1.2e4", 12000, ()),
        (LARGEST_REGISTER_WH, LARGEST_REGISTER_WH, ()),
        (None, None, ("missing_meter",)),
        (" ", None, ("missing_meter",)),
        (12345.5, None, ("unreadable_meter",)),
        ("1,5", None, ("unreadable_meter",)),
        ("NaN", None, ("unreadable_meter",)),
        (True, None, ("unreadable_meter",)),
        ([5], None, ("unreadable_meter",)),
        (-1, None, ("negative_meter",)),
        ("-0.0", 0, ()),
        (LARGEST_REGISTER_WH + 1, None, ("absurd_meter",)),
        (-LARGEST_REGISTER_WH - 1, None, ("absurd_meter",)),
        (10**4000, None, ("absurd_meter",)),
        (float("inf"), None, ("absurd_meter",)),
    ],
)
def test_registers_are_whole_watt_hours_in_any_spelling(
    sent: object, read: int | None, oddities: tuple[str, ...]
) -> None:
    begun, ended = start(meterStart=sent), stop(meterStop=sent)
    assert (started(begun).meter_start_wh, begun.oddities) == (read, oddities)
    assert (stopped(ended).meter_stop_wh, ended.oddities) == (read, oddities)


def test_a_complete_stop() -> None:
    data = [{"timestamp": AT, "sampledValue": [{"value": "4625480", "context": "Transaction.End"}]}]
    reading = stop(reason="EVDisconnected", idTag="TAG-1", transactionData=data)
    end = Sample("Energy.Active.Import.Register", Decimal(4625480), context="Transaction.End")
    values = (MeterValue((end,), AT, NOON),)
    assert reading == Reading(TransactionStopped(7712, 4625480, AT, NOON, "TAG-1", "EVDisconnected", values))


def test_a_stop_without_a_reason_is_local() -> None:
    assert stop() == Reading(TransactionStopped(7712, 4625480, AT, NOON, None, "Local"))
    assert stop(reason="").fact == stop().fact


@pytest.mark.parametrize("word", sorted(REASONS.values()))
def test_every_reason_is_known_in_any_case(word: str) -> None:
    reading = stop(reason=word.upper())
    assert (stopped(reading).reason, reading.oddities) == (word, ())


def test_a_reason_outside_the_list_is_kept_as_sent() -> None:
    reading = stop(reason="Meteor")
    assert (stopped(reading).reason, reading.oddities) == ("Meteor", ("unknown_reason",))


@pytest.mark.parametrize("sent", [-1, 0, 1, 2**63 - 1, -(2**63) + 1])
def test_ids_that_stand_for_none_are_told_as_sent(sent: int) -> None:
    assert (stopped(stop(transactionId=sent)).transaction_id, stop(transactionId=sent).oddities) == (sent, ())


@pytest.mark.parametrize(
    ("sent", "oddity"), [(None, "missing_transaction"), ("", "missing_transaction"), ("abc", "unreadable_transaction")]
)
def test_a_stop_without_an_id_is_still_a_stop(sent: object, oddity: str) -> None:
    reading = stop(transactionId=sent)
    assert (stopped(reading).transaction_id, reading.oddities) == (None, (oddity,))


def test_an_oddity_is_named_once() -> None:
    data = [{"timestamp": "x", "sampledValue": [{"value": "1"}]}] * 3
    assert stop(timestamp="x", transactionData=data).oddities == ("unreadable_time",)


def test_a_tag_that_is_shown() -> None:
    assert DIALECT.read_call("Authorize", {"idTag": "TAG-2", "connectorId": 2}) == Reading(TagPresented())
    assert DIALECT.read_call("Authorize", {"idTag": ""}) == Reading(oddities=("missing_id_tag",))


@pytest.mark.parametrize(
    ("payload", "reading"),
    [
        ({"idTag": "T", "connectorId": 2}, Reading(RemoteStartRequested(2))),
        ({"idTag": "T", "connectorId": "2"}, Reading(RemoteStartRequested(2))),
        ({"idTag": "T"}, Reading(RemoteStartRequested(None))),
        ({"idTag": "T", "connectorId": ""}, Reading(RemoteStartRequested(None))),
        ({"idTag": "T", "connectorId": 0}, Reading(RemoteStartRequested(None))),
        ({"idTag": "T", "connectorId": "any"}, Reading(RemoteStartRequested(None), ("unreadable_connector",))),
    ],
)
def test_a_remote_start(payload: Mapping[str, Any], reading: Reading) -> None:
    assert DIALECT.read_command("RemoteStartTransaction", payload) == reading


@pytest.mark.parametrize("action", ["Reset", "RemoteStopTransaction", "StatusNotification", ""])
def test_other_commands_tell_nothing(action: str) -> None:
    assert DIALECT.read_command(action, START) == Reading()


@pytest.mark.parametrize(
    ("payload", "numbered"),
    [
        ({"transactionId": 7712, "idTagInfo": {"status": "Accepted"}}, TransactionNumbered(7712, "Accepted")),
        ({"transactionId": "7", "idTagInfo": {"status": ""}}, TransactionNumbered(7, None)),
        ({"transactionId": 0, "idTagInfo": {"status": "Blocked"}}, TransactionNumbered(0, "Blocked")),
        ({"transactionId": "x", "idTagInfo": "Accepted"}, TransactionNumbered(None, None)),
        ({}, TransactionNumbered(None, None)),
    ],
)
def test_upstreams_answer_to_a_start(payload: Mapping[str, Any], numbered: TransactionNumbered) -> None:
    assert DIALECT.read_number(payload) == numbered


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from([AT, "1", 2**63]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*START, *STOP, "reason", "idTagInfo", "transactionData"]), ANYTHING))
def test_no_payload_is_too_odd(payload: dict[str, Any]) -> None:
    sent = json.loads(json.dumps(payload))
    for action in ("StartTransaction", "StopTransaction", "Authorize"):
        match DIALECT.read_call(action, sent).fact:
            case TransactionStarted() as fact:
                assert fact.connector_id > 0
                assert fact.meter_start_wh is None or 0 <= fact.meter_start_wh <= LARGEST_REGISTER_WH
            case TransactionStopped() as fact:
                assert fact.reason
                assert fact.meter_stop_wh is None or 0 <= fact.meter_stop_wh <= LARGEST_REGISTER_WH
    requested = DIALECT.read_command("RemoteStartTransaction", sent).fact
    assert isinstance(requested, RemoteStartRequested)
    assert requested.connector_id != 0
    number = DIALECT.read_number(sent).transaction_id
    assert number is None or abs(number) < 2**63
    assert DIALECT.read_accepted(sent) is False
