"""Broken messages of the field: the right state or an honest unknown, never an exception, nothing made up.

Those of one make of charger are in `tests/recordings`.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.core.effects import Publish, Send
from gateway.core.facts import Faults, MeterState
from gateway.topics import Context, Numbers, render
from tests.core.drive import EPOCH, only
from tests.core.scenes import state
from tests.core.texts import stamp
from tests.field.house import begins, charger, charging, metered, session

REGISTER = "Energy.Active.Import.Register"

# Invalid JSON


@pytest.mark.parametrize(
    "text",
    [
        '[2,"1","StatusNotification",{"connectorId":1,"status":"Charging","errorCode":"NoErr',
        '[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"sampledValue":[{"value":"12',
        '[2,"1","StatusNotification",{"connectorId":1,"status":}',
        '[2,"1","StatusNotification",{connectorId:1}]',
        "\x00",
        "[2,",
        "",
    ],
)
def test_a_text_that_is_no_json_says_nothing_and_is_relayed(text: str) -> None:
    table = charger()
    effects = table.charger(text)
    assert [send.text for send in only(effects, Send)] == [text]
    assert only(effects, Publish) == []
    assert table.counted["not_json"] == 1
    table.reports("Charging")
    assert state(table).record.condition == "charging"


def test_what_can_be_repaired_is_read_and_relayed_as_it_came() -> None:
    table = charger()
    text = '[2,"1","StatusNotification",\x00{"connectorId":1,"info":,"status":"Charging","errorCode":"NoError",}]\x00'
    effects = table.charger(text)
    assert [send.text for send in only(effects, Send)] == [text]
    assert state(table).record.report.status == "Charging"


# Payloads that are not as the schema has them


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("MeterValues", {"connectorId": 1, "meterValue": []}),
        ("MeterValues", {"connectorId": 1, "meterValue": [{"timestamp": "2026-01-01T00:00:00Z", "sampledValue": []}]}),
        ("MeterValues", {"connectorId": 1, "meterValue": "none"}),
        ("MeterValues", {"connectorId": 1, "meterValue": [None, 7, []]}),
        ("MeterValues", {"connectorId": {}, "meterValue": [{"sampledValue": [{"value": "1"}]}]}),
        ("StatusNotification", {"connectorId": 1}),
        ("StatusNotification", {"connectorId": -1, "status": "Charging", "errorCode": "NoError"}),
        ("StatusNotification", {"connectorId": 10**30, "status": "Charging", "errorCode": "NoError"}),
        ("StatusNotification", {"connectorId": 1, "status": ["Charging"], "errorCode": "NoError"}),
        ("StartTransaction", {"idTag": "CARD01", "meterStart": 0}),
        ("DataTransfer", {"vendorId": "Growatt", "data": {"cmd": "frozenrecord", "values": [1, 2]}}),
        ("DataTransfer", {"vendorId": 7, "data": [{}]}),
        ("Authorize", {"idTag": None}),
        ("GiveMeMoney", {"connectorId": 1, "status": "Charging"}),
    ],
)
def test_a_payload_that_tells_nothing_is_relayed_and_changes_nothing(action: str, payload: dict[str, Any]) -> None:
    table = charging()
    writes = table.kept.writes
    effects = table.asks(action, payload)
    assert len(only(effects, Send)) == 1
    assert only(effects, Publish) == []
    assert table.kept.writes == writes


def test_other_types_than_the_schema_has_are_read_where_they_are_clear() -> None:
    table = charger()
    table.asks("StartTransaction", {"connectorId": "1", "idTag": 47114711, "meterStart": "1000.0", "timestamp": None})
    sampled = {"value": 7.2, "unit": "kW", "measurand": "power.active.import"}
    values = {"timestamp": stamp(table.now.wall), "sampledValue": sampled}
    table.asks("MeterValues", {"connectorId": "1", "meterValue": values})
    assert session(table).record.id_tag == "****4711"
    assert session(table).record.energy.start_wh == 1000
    assert table.published(MeterState)[-1].readings["power_w"] == 7200


def test_words_that_ocpp_does_not_have_stay_visible_and_mean_nothing() -> None:
    table = charger()
    table.reports("Parked", code="Bored", info="")
    shown = state(table)
    assert (shown.record.report.status, shown.record.condition) == ("Parked", "unknown")
    assert (shown.meaning.plugged, shown.meaning.charging, shown.meaning.operative) == (None, None, None)
    assert [(fault.code, fault.severity) for fault in table.published(Faults)[-1].faults] == [("Bored", "warning")]
    assert table.counted["odd_call_relayed"] == 1


@pytest.mark.parametrize(
    ("sampled", "key", "reason"),
    [
        ({"value": ""}, "energy_import_wh", "empty"),
        ({"value": "   "}, "energy_import_wh", "empty"),
        ({}, "energy_import_wh", "empty"),
        ({"value": "NaN"}, "energy_import_wh", "not_a_number"),
        ({"value": "inf"}, "energy_import_wh", "not_a_number"),
        ({"value": True}, "energy_import_wh", "not_a_number"),
        ({"value": {"raw": 1}}, "energy_import_wh", "not_a_number"),
        ({"value": "12,5"}, "energy_import_wh", "comma_decimal"),
        ({"value": "-1"}, "energy_import_wh", "negative_energy"),
        ({"value": "9" * 18}, "energy_import_wh", "absurd_energy"),
        ({"value": "1e400"}, "energy_import_wh", "too_large"),
        ({"value": "9" * 500}, "energy_import_wh", "too_long"),
        ({"value": 10**25}, "energy_import_wh", "too_large"),
        ({"value": "1", "unit": "kVAh"}, "energy_import_wh", "unknown_unit"),
        ({"value": "1", "phase": "L9"}, "energy_import_wh", "unknown_phase"),
        ({"value": "1e9", "measurand": "Power.Active.Import"}, "power_w", "absurd_power"),
        ({"value": "-1e9", "measurand": "Power.Active.Import"}, "power_w", "absurd_power"),
        ({"value": "65535", "measurand": "Voltage"}, "voltage_v", "absurd_voltage"),
        ({"value": "65535", "measurand": "Current.Import"}, "current_a", "absurd_current"),
        ({"value": "101", "measurand": "SoC"}, "soc_pct", "soc_out_of_range"),
    ],
)
def test_a_reading_that_cannot_be_true_is_null_and_its_reason_counted(
    sampled: dict[str, Any], key: str, reason: str
) -> None:
    table = charging()
    shown = metered(table, sampled, {"value": "230", "measurand": "Frequency", "unit": "mHz"})
    assert shown.readings[key] is None
    assert table.counted[f"reading_{reason}"] == 1
    assert session(table).record.energy.energy_wh in (None, 0)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
def test_numbers_that_json_does_not_have_become_null(word: str) -> None:
    table = charging()
    sampled = f'{{"value":{word},"measurand":"{REGISTER}"}}'
    values = f'[{{"timestamp":"2026-01-01T00:00:00Z","sampledValue":[{sampled},{{"value":"50","measurand":"SoC"}}]}}]'
    text = f'[2,"m","MeterValues",{{"connectorId":1,"transactionId":7,"meterValue":{values}}}]'
    effects = table.charger(text)
    assert [send.text for send in only(effects, Send)] == [text]
    assert all(fact.readings["energy_import_wh"] is None for fact in table.published(MeterState))
    assert session(table).record.energy.energy_wh is None
    assert sum(table.counted[what] for what in table.counted if what.startswith("reading_")) == 1


def test_measurands_that_nobody_knows_take_nothing_from_the_others() -> None:
    table = charging()
    shown = metered(
        table,
        {"value": "x", "measurand": "Acme.Happiness"},
        {"value": "7200", "measurand": "Power.Active.Import", "unit": "W", "context": "Whenever"},
        {"value": "50.01", "measurand": "Frequency", "unit": "Hz"},
    )
    assert (shown.readings["power_w"], shown.readings["frequency_hz"]) == (7200, 50.01)


# Times


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2025-12-31T23:59:50", datetime.fromisoformat("2025-12-31T23:59:50Z")),
        ("2026-01-01T00:59:50+01", datetime.fromisoformat("2025-12-31T23:59:50Z")),
        ("2026-01-01T00:59:50+0100", datetime.fromisoformat("2025-12-31T23:59:50Z")),
        ("2026-01-01T02:00:00Z", None),
        ("2022-02-29T10:00:00Z", None),
        ("1970-01-01T00:00:07Z", None),
        ("2106-02-07T06:28:15Z", None),
        ("0", None),
        (1767225600, None),
        ({}, None),
        ("", None),
        (None, None),
    ],
)
def test_a_time_that_tells_none_gives_way_to_that_of_receipt(written: object, read: datetime | None) -> None:
    table = charger()
    payload = {"connectorId": 1, "idTag": "CARD01", "meterStart": 0, "timestamp": written}
    table.asks("StartTransaction", payload)
    assert begins(table)[0].record.started == (read or EPOCH.wall)
    assert begins(table)[0].record.start_told is (read is not None)


def test_a_clock_in_local_time_is_seen_and_moves_no_state_back() -> None:
    table = charger()
    ahead = timedelta(hours=2)
    table.reports("Preparing", at=table.now.wall + ahead)
    table.elapse(10)
    table.reports("Charging", at=table.now.wall + ahead)
    assert state(table).record.condition == "charging"
    assert state(table).record.since == table.now.wall
    assert table.station.view.truth.skew.seconds == ahead.total_seconds()


def test_of_equal_times_the_last_received_stands() -> None:
    table = charger()
    at = table.now.wall
    for word in ("Preparing", "Charging", "SuspendedEV"):
        table.reports(word, at=at)
    assert state(table).record.condition == "suspended_ev"
    for watts in ("100", "200"):
        sampled = {"value": watts, "measurand": "Power.Active.Import"}
        assert metered(table, sampled).readings["power_w"] == int(watts)


def test_texts_that_are_none_still_make_messages_that_every_reader_takes() -> None:
    table = charging()
    table.charger(
        '[2,"x","StatusNotification",{"connectorId":1,"status":"\\ud800","errorCode":"\\u0000","info":1e999}]'
    )
    numbers = Numbers()
    facts = [effect.fact for effect in table.all(Publish)]
    messages = [message for fact in facts for message in render(fact, Context("site"), numbers)]
    read = [json.loads(message.payload.encode()) for message in messages if message.payload.startswith("{")]
    shown = [payload for payload in read if "unexpected_transitions" in payload]
    assert (shown[-1]["status"], shown[-1]["condition"]) == ("\ufffd", "unknown")
