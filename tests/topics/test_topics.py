"""The MQTT contract: where each fact goes, and that its payload has exactly the documented keys."""

from __future__ import annotations

import json
import typing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.core.facts import ChargerForgotten, ChargerStatus, Fact, GatewayStatus
from gateway.core.meanings import fault_text
from gateway.core.message import Message
from gateway.core.readings import KEYS
from gateway.core.reports import StatusReported
from gateway.core.transitions import MEANINGS, STATUSES, transition
from gateway.topics import TOPICS, Numbers, render, topics_table
from gateway.topics.gateways import QUARANTINE_SHOWN
from gateway.topics.payload import LONGEST_TEXT, to_json
from tests.topics import keys
from tests.topics.samples import (
    AT,
    CHARGER,
    CONNECTOR,
    CONTEXT,
    FAULT,
    FAULTS,
    GATEWAY_INFO,
    GATEWAY_STATE,
    HOUR,
    INFO,
    METER,
    RECORD,
    SESSION,
    WARNING,
)


def payload_of(fact: Fact) -> Any:
    """The parsed payload of the one message that tells this fact."""
    (message,) = render(fact, CONTEXT, Numbers())
    return json.loads(message.payload)


def test_every_fact_has_one_row() -> None:
    assert {row.fact for row in TOPICS} == set(typing.get_args(Fact)) - {ChargerForgotten}
    assert len({row.template for row in TOPICS}) == len(TOPICS)


def test_a_forgotten_charger_leaves_no_topic() -> None:
    cleared = render(ChargerForgotten("cp01", (1, 2)), CONTEXT, Numbers())
    ids = {"charger": "cp01"}
    retained = [row.template for row in TOPICS if row.retain and "{charger}" in row.template]
    one = {template.format(**ids, connector=1) for template in retained}
    two = {template.format(**ids, connector=2) for template in retained if "{connector}" in template}
    assert sorted(message.topic for message in cleared) == sorted(one | two)
    assert {(message.payload, message.retain, message.qos) for message in cleared} == {("", True, 1)}
    assert {"charger/cp01/faults", "charger/cp01/connector/2/session", "charger/cp01/connector/1/meter"} <= one | two


@pytest.mark.parametrize(
    ("fact", "topic", "qos"),
    [
        (GATEWAY_INFO, "gateway/info", 1),
        (GATEWAY_STATE, "gateway/state", 1),
        (INFO, "charger/cp01/info", 1),
        (CHARGER, "charger/cp01/state", 1),
        (FAULTS, "charger/cp01/faults", 1),
        (CONNECTOR, "charger/cp01/connector/1/state", 1),
        (SESSION, "charger/cp01/connector/1/session", 1),
        (METER, "charger/cp01/connector/1/meter", 0),
    ],
)
def test_topic_and_keys_of_a_state(fact: Fact, topic: str, qos: int) -> None:
    (message,) = render(fact, CONTEXT, Numbers())
    assert (message.topic, message.qos, message.retain, message.late) == (topic, qos, True, None)
    payload = json.loads(message.payload)
    assert keys.keys_of(payload) == set(keys.KEYS[topic].split())
    assert (payload["v"], payload["ts"], payload["gateway"]) == (1, "2026-03-01T08:05:12.340Z", "site1")


@pytest.mark.parametrize(
    ("fact", "message"),
    [
        (GatewayStatus(online=True), Message("status", "online")),
        (GatewayStatus(online=False), Message("status", "offline")),
        (ChargerStatus("cp01", online=True), Message("charger/cp01/status", "online")),
        (ChargerStatus("cp01", online=False), Message("charger/cp01/status", "offline")),
    ],
)
def test_availability_is_a_bare_retained_word(fact: Fact, message: Message) -> None:
    assert render(fact, CONTEXT, Numbers()) == [message]


# ---------------------------------------------------------------------------------------------------------- connectors


def test_connector_state_as_documented() -> None:
    payload = payload_of(CONNECTOR)
    expected = {
        "charger": "cp01",
        "connector": "1",
        "connector_id": 1,
        "ocpp_version": "1.6",
        "status": "SuspendedEV",
        "error_code": "NoError",
        "charger_ts": "2026-03-01T08:05:13Z",
        "condition": "suspended_ev",
        "plugged": True,
        "charging": False,
        "in_session": True,
        "operative": True,
        "reserved": False,
        "fault": False,
        "since": "2026-03-01T08:05:12.340Z",
        "previous": {"status": "Charging", "condition": "charging", "since": "2026-03-01T07:05:12.340Z"},
        "transition": "C4",
        "expected": True,
        "unexpected_transitions": 2,
        "visit_id": "site1-cp01-1-v1772349000",
        "plugged_at": "2026-03-01T06:05:12.340Z",
        "upstream_delivered": False,
    }
    assert payload | expected == payload


def test_connector_of_which_little_is_known() -> None:
    record = replace(RECORD, previous=None, transition=None, visit=None, plugged_at=None)
    payload = payload_of(replace(CONNECTOR, record=record, upstream_delivered=None))
    unknown = ("previous", "transition", "expected", "visit_id", "plugged_at", "upstream_delivered")
    assert [payload[key] for key in unknown] == [None] * len(unknown)


def test_condition_and_answers_are_those_of_the_model_and_not_of_the_raw_status() -> None:
    """Preparing after the end of a session is `finishing`."""
    record = replace(RECORD, report=StatusReported(1, "Preparing"), condition="finishing")
    payload = payload_of(
        replace(CONNECTOR, record=record, meaning=replace(CONNECTOR.meaning, charging=None), fault=True)
    )
    assert (payload["status"], payload["condition"]) == ("Preparing", "finishing")
    assert (payload["plugged"], payload["charging"], payload["fault"]) == (True, None, True)


def test_expected_is_what_the_specification_lists() -> None:
    changes = [change for one in STATUSES for other in STATUSES if (change := transition(one, other))]
    assert {change.code for change in changes if change.expected} == set(MEANINGS)
    told = {
        change.code
        for change in changes
        if payload_of(replace(CONNECTOR, record=replace(RECORD, transition=change.code)))["expected"]
    }
    assert told == set(MEANINGS)


def test_restored_connector_says_so() -> None:
    fact = replace(
        CONNECTOR, source="restored", stale=True, stale_since=AT - HOUR, stale_reason="restored_after_restart"
    )
    payload = payload_of(fact)
    assert (payload["source"], payload["stale"], payload["stale_reason"]) == (
        "restored",
        True,
        "restored_after_restart",
    )
    assert (payload["stale_since"], payload["since"]) == ("2026-03-01T07:05:12.340Z", "2026-03-01T08:05:12.340Z")


# ------------------------------------------------------------------------------------------------------------ chargers


def test_charger_state_with_and_without_a_report_of_connector_0() -> None:
    payload = payload_of(CHARGER)
    assert (payload["status"], payload["error_code"], payload["info"]) == ("Faulted", "GroundFailure", "RCD")
    assert (payload["clock_skew_s"], payload["fault"]) == (-1.4, True)
    assert payload["status_since"] == "2026-03-01T07:05:12.340Z"
    nothing = replace(CHARGER, report=None, status_since=None, condition="unknown", clock_skew_s=None, last_seen=None)
    payload = payload_of(nothing)
    unknown = ("status", "status_since", "error_code", "info", "clock_skew_s", "last_seen")
    assert [payload[key] for key in unknown] == [None] * len(unknown)


def test_charger_info_before_its_first_boot_notification() -> None:
    payload = payload_of(replace(INFO, boot=None, protocol=None))
    nothing = ("vendor", "model", "serial", "firmware", "meter_serial", "ocpp_version")
    assert [payload[key] for key in nothing] == [None] * len(nothing)
    assert payload_of(INFO)["connectors"] == ["1", "2"]


# -------------------------------------------------------------------------------------------------------------- faults


def test_faults_of_all_connectors_the_worst_first() -> None:
    payload = payload_of(FAULTS)
    assert (payload["count"], payload["worst"], payload["stale"]) == (2, "error", False)
    error, warning = payload["faults"]
    assert set(error) == set(warning) == set(keys.FAULT.split())
    expected = {
        "fault_id": "site1-cp01-2-1772352720",
        "connector": "2",
        "code": "OtherError",
        "vendor_id": "com.example",
        "vendor_error_code": "PP01",
        "key": "ocpp.OtherError.PP01",
        "text": fault_text("OtherError", "PP01"),
        "info": None,
        "severity": "error",
        "source": "ocpp",
        "raised": "2026-03-01T08:05:12.340Z",
        "last_seen": "2026-03-01T09:05:12.340Z",
        "occurrences": 3,
        "pre_fault_status": "Charging",
        "transaction_id": None,
        "latched": False,
    }
    assert error == expected
    whole_charger = ("site1-cp01-0-1772352721", "0", "ocpp.WeakSignal", "warning", "-110 dBm")
    assert tuple(warning[key] for key in ("fault_id", "connector", "key", "severity", "info")) == whole_charger


@pytest.mark.parametrize(("faults", "worst"), [((), None), ((WARNING,), "warning"), ((FAULT, WARNING), "error")])
def test_worst_of_the_faults(faults: tuple[Any, ...], worst: str | None) -> None:
    payload = payload_of(replace(FAULTS, faults=faults))
    assert (payload["count"], payload["worst"], len(payload["faults"])) == (len(faults), worst, len(faults))


# --------------------------------------------------------------------------------------------------- meter and session


def test_meter_has_every_quantity_and_null_for_what_was_not_said() -> None:
    payload = payload_of(replace(METER, readings={**METER.readings, "rpm": 3.0}))
    assert set(KEYS) == set(keys.READINGS.split())
    said = {key: payload[key] for key in KEYS if payload[key] is not None}
    assert said == {"power_w": 10807.6, "energy_import_wh": 4611954}
    assert payload["extra"] == {"rpm": 3.0}
    assert (payload["source"], payload["context"], payload["transaction_id"]) == (
        "meter_values",
        "Sample.Periodic",
        7712,
    )


def test_meter_of_a_charger_that_is_away() -> None:
    payload = payload_of(replace(METER, readings={}, context=None, charger_ts=None, transaction_id=None, stale=True))
    assert payload["stale"] is True
    assert {payload[key] for key in KEYS} == {None}


def test_session_that_goes_on() -> None:
    payload = payload_of(SESSION)
    expected = {
        "active": True,
        "session_id": "site1-cp01-1-1772349100",
        "visit_id": "site1-cp01-1-v1772349000",
        "transaction_id": 7712,
        "id_tag": "****4F2A",
        "started": "2026-03-01T07:05:12.340Z",
        "ended": None,
        "plugged_at": "2026-03-01T06:05:12.340Z",
        "duration_s": 3600,
        "charging_s": 1988,
        "meter_start_wh": 4605100,
        "meter_now_wh": 4611954,
        "meter_stop_wh": None,
        "energy_wh": 6854,
        "power_w": 10807.6,
        "max_power_w": 11040.2,
        "stop_reason": None,
        "started_offline": False,
        "energy_source": "charger",
        "time_trust": "synced",
        "stale": False,
        "phases": [
            {"name": "charging", "since": "2026-03-01T07:05:12.340Z", "seconds": 1988},
            {"name": "suspended_ev", "since": "2026-03-01T08:05:12.340Z", "seconds": 0},
        ],
    }
    assert payload | expected == payload


# ------------------------------------------------------------------------------------------------------------- gateway


def test_gateway_state_lists_some_of_the_quarantined_and_counts_all() -> None:
    payload = payload_of(GATEWAY_STATE)
    assert payload["quarantine"] == 40
    assert len(payload["quarantined"]) == QUARANTINE_SHOWN
    assert list(payload["counters"].items()) == [("call_relayed", 7), ("late_answer", 2)]
    assert set(payload["quarantined"][0]) == keys.QUARANTINED


def test_commands_are_off_while_nothing_carries_them_out() -> None:
    assert payload_of(GATEWAY_INFO)["commands"] == {"enabled": False, "allowed": []}


def test_seq_counts_per_topic() -> None:
    numbers = Numbers()
    other = replace(CONNECTOR, record=replace(RECORD, report=StatusReported(2, "Available")))
    seqs = [json.loads(render(fact, CONTEXT, numbers)[0].payload)["seq"] for fact in (CONNECTOR, other, CONNECTOR)]
    assert seqs == [1, 1, 2]


def test_what_json_or_a_consumer_cannot_carry_is_replaced() -> None:
    text = to_json({"a": float("nan"), "b": [float("-inf"), 1.5], "c": "x\x00\ud800y", "d": 2**53, "e": True})
    assert text == '{"a":null,"b":[null,1.5],"c":"x��y","d":null,"e":true}'
    assert len(json.loads(to_json({"info": "ü" * 10_000}))["info"]) == LONGEST_TEXT


def test_table_for_the_readme_has_a_line_for_each_topic() -> None:
    lines = topics_table().splitlines()
    assert len(lines) == len(TOPICS) + 2
    assert any("| `charger/<charger>/connector/<connector>/meter` | 0 | yes |" in line for line in lines)
    assert "| `event/connectivity/<charger>` | 1 | no |" in lines[-1]


def test_times_are_utc_with_milliseconds() -> None:
    local = AT.astimezone(tz=None) + timedelta(microseconds=400)
    assert payload_of(replace(CONNECTOR, at=local))["ts"] == "2026-03-01T08:05:12.340Z"
