"""The MQTT contract: where each fact goes, and that its payload has exactly the documented keys."""

from __future__ import annotations

import json
import typing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.facts import (
    BootReported,
    ChargerCounts,
    ChargerForgotten,
    ChargerInfo,
    ChargerState,
    ChargerStatus,
    ConnectorState,
    Fact,
    GatewayInfo,
    GatewayState,
    GatewayStatus,
    PreviousStatus,
    Quarantined,
    StatusReported,
)
from gateway.core.message import Message
from gateway.topics import LONGEST_TEXT, QUARANTINE_SHOWN, TOPICS, Numbers, render, to_json, topics_table

AT = datetime(2026, 3, 1, 8, 5, 12, 340_000, UTC)

# The keys that are documented for each topic, nested ones with a dot.
KEYS = {
    "gateway/info": """v ts gateway site site_name product version started boot_id os ocpp_versions mqtt mqtt.protocol
        mqtt.broker commands commands.enabled commands.allowed chargers meters asyncapi""",
    "gateway/state": """v ts seq gateway health reasons uptime_s chargers chargers.configured chargers.online
        chargers.stale chargers.faulted chargers.charging meters meters.configured meters.online upstream upstream.links
        upstream.online upstream.queued upstream.oldest_queued outbox outbox.queued outbox.oldest outbox.dead
        outbox.dropped outbox.db_bytes mqtt mqtt.reconnects mqtt.connected_since clock clock.trust clock.source
        clock.offset_ms counters quarantine quarantined""",
    "charger/cp01/info": """v ts gateway charger identity name vendor model serial firmware ocpp_version connectors
        features security_profile first_seen meter_serial""",
    "charger/cp01/state": """v ts seq gateway charger online since last_seen status condition error_code
        vendor_error_code info stale stale_reason registered last_boot boot_reason reconnects_24h clock_skew_s
        firmware_status diagnostics_status rtt_ms remote_addr""",
    "charger/cp01/connector/1/state": """v ts seq gateway charger connector evse_id connector_id ocpp_version status
        error_code info vendor_id vendor_error_code charger_ts condition plugged charging in_session operative reserved
        locked fault since previous source stale stale_since stale_reason upstream_delivered""",
}
PREVIOUS_KEYS = {"status", "condition", "since"}
QUARANTINED_KEYS = {"identity", "address", "subprotocols", "reason", "last_seen", "attempts", "credentials"}

CONNECTOR = ConnectorState(
    at=AT,
    charger="cp01",
    report=StatusReported(1, "SuspendedEV", charger_ts="2026-03-01T08:05:13Z"),
    protocol="ocpp1.6",
    condition="suspended_ev",
    since=AT,
    previous=PreviousStatus("Charging", "charging", AT - timedelta(hours=1)),
    source="status_notification",
    stale=False,
    stale_since=None,
    stale_reason=None,
    upstream_delivered=False,
)
CHARGER = ChargerState(
    at=AT,
    charger="cp01",
    online=True,
    since=AT,
    last_seen=AT,
    report=StatusReported(0, "Faulted", "GroundFailure", "RCD", None, "0x17"),
    condition="faulted",
    stale=False,
    stale_reason=None,
    registered="accepted",
    last_boot=None,
    reconnects_24h=2,
    clock_skew_s=-1.4321,
    remote_addr="10.0.0.31",
)
INFO = ChargerInfo(
    at=AT,
    charger="cp01",
    identity="CP01",
    name="Wallbox left",
    boot=BootReported("ExampleCo", "Duo 22", "EX0012345", "4.2.0", "M7"),
    protocol="ocpp1.6",
    connectors=(1, 2),
    security_profile=1,
    first_seen=AT - timedelta(days=90),
)
GATEWAY_INFO = GatewayInfo(
    at=AT,
    site="site1",
    site_name="Berlin Depot 3",
    version="0.1.0",
    started=AT,
    boot_id="b7f1c0de",
    os="Debian 12",
    ocpp_versions=("1.6",),
    protocol=5,
    broker="127.0.0.1:1883",
    chargers=("cp01", "cp02"),
)
STRANGER = Quarantined("CP99", "10.0.0.99", ("ocpp1.6",), "unknown identity", AT, 3)
GATEWAY_STATE = GatewayState(
    at=AT,
    health="degraded",
    reasons=("upstream_offline:cp02",),
    uptime_s=609,
    chargers=ChargerCounts(2, 2, 0, 1, 1),
    upstream_links=2,
    upstream_online=1,
    reconnects=1,
    connected_since=AT,
    clock_trust="learned",
    clock_source="operator",
    clock_offset_ms=-312,
    db_bytes=4096,
    quarantine=40,
    quarantined=(STRANGER,) * 40,
    counters={"late_answer": 2, "call_relayed": 7},
)


def payload_of(fact: Fact) -> Any:
    """The parsed payload of the one message that tells this fact."""
    (message,) = render(fact, "site1", Numbers())
    return json.loads(message.payload)


def keys_of(payload: dict[str, Any], prefix: str = "") -> set[str]:
    """All keys but those of `previous`, which may be null, and of `counters`, which names what happened."""
    keys = set()
    for key, value in payload.items():
        keys.add(prefix + key)
        if isinstance(value, dict) and key not in ("previous", "counters"):
            keys |= keys_of(value, f"{prefix}{key}.")
    return keys


def test_every_fact_has_one_row() -> None:
    assert {row.fact for row in TOPICS} == set(typing.get_args(Fact)) - {ChargerForgotten}
    assert len({row.template for row in TOPICS}) == len(TOPICS)


def test_a_forgotten_charger_leaves_no_topic() -> None:
    cleared = render(ChargerForgotten("cp01", (1, 2)), "depot3", Numbers())
    ids = {"charger": "cp01"}
    one = {row.template.format(**ids, connector=1) for row in TOPICS if "{charger}" in row.template}
    two = {row.template.format(**ids, connector=2) for row in TOPICS if "{connector}" in row.template}
    assert sorted(message.topic for message in cleared) == sorted(one | two)
    assert {(message.payload, message.retain) for message in cleared} == {("", True)}


@pytest.mark.parametrize(
    ("fact", "topic"),
    [
        (GATEWAY_INFO, "gateway/info"),
        (GATEWAY_STATE, "gateway/state"),
        (INFO, "charger/cp01/info"),
        (CHARGER, "charger/cp01/state"),
        (CONNECTOR, "charger/cp01/connector/1/state"),
    ],
)
def test_topic_and_keys(fact: Fact, topic: str) -> None:
    (message,) = render(fact, "site1", Numbers())
    assert (message.topic, message.qos, message.retain) == (topic, 1, True)
    payload = json.loads(message.payload)
    assert keys_of(payload) == set(KEYS[topic].split())
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
    assert render(fact, "site1", Numbers()) == [message]


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
        "upstream_delivered": False,
    }
    assert payload | expected == payload
    assert payload_of(replace(CONNECTOR, previous=None))["previous"] is None


def test_charger_state_with_and_without_a_report_of_connector_0() -> None:
    payload = payload_of(CHARGER)
    assert (payload["status"], payload["error_code"], payload["info"]) == ("Faulted", "GroundFailure", "RCD")
    assert payload["clock_skew_s"] == -1.4
    payload = payload_of(replace(CHARGER, report=None, condition="unknown", clock_skew_s=None, last_seen=None))
    assert [payload[key] for key in ("status", "error_code", "info", "clock_skew_s", "last_seen")] == [None] * 5


def test_charger_info_before_its_first_boot_notification() -> None:
    payload = payload_of(replace(INFO, boot=None, protocol=None))
    nothing = ("vendor", "model", "serial", "firmware", "meter_serial", "ocpp_version")
    assert [payload[key] for key in nothing] == [None] * len(nothing)
    assert payload_of(INFO)["connectors"] == ["1", "2"]


def test_gateway_state_lists_some_of_the_quarantined_and_counts_all() -> None:
    payload = payload_of(GATEWAY_STATE)
    assert payload["quarantine"] == 40
    assert len(payload["quarantined"]) == QUARANTINE_SHOWN
    assert list(payload["counters"].items()) == [("call_relayed", 7), ("late_answer", 2)]
    assert set(payload["quarantined"][0]) == QUARANTINED_KEYS


def test_commands_are_off_while_nothing_carries_them_out() -> None:
    assert payload_of(GATEWAY_INFO)["commands"] == {"enabled": False, "allowed": []}


def test_seq_counts_per_topic() -> None:
    numbers = Numbers()
    other = replace(CONNECTOR, report=StatusReported(2, "Available"))
    seqs = [json.loads(render(fact, "site1", numbers)[0].payload)["seq"] for fact in (CONNECTOR, other, CONNECTOR)]
    assert seqs == [1, 1, 2]


def test_what_json_or_a_consumer_cannot_carry_is_replaced() -> None:
    text = to_json({"a": float("nan"), "b": [float("-inf"), 1.5], "c": "x\x00\ud800y", "d": 2**53, "e": True})
    assert text == '{"a":null,"b":[null,1.5],"c":"x��y","d":null,"e":true}'
    assert len(json.loads(to_json({"info": "ü" * 10_000}))["info"]) == LONGEST_TEXT


def test_table_for_the_readme_has_a_line_for_each_topic() -> None:
    lines = topics_table().splitlines()
    assert len(lines) == len(TOPICS) + 2
    assert "| `charger/<charger>/connector/<connector>/state` | 1 | yes | status of one connector" in lines[-1]


# Any character, lone surrogates and NUL included: a charger's JSON may hold them all.
texts = st.text(st.characters(exclude_categories=()), max_size=700)
moments = st.datetimes(timezones=st.just(UTC))
slugs = st.from_regex(r"[a-z0-9-]{1,48}", fullmatch=True)
counts = st.integers(min_value=0)
reports = st.builds(
    StatusReported,
    st.integers(0, 1000),
    texts,
    texts,
    *(st.none() | texts for _ in range(4)),
)
facts: st.SearchStrategy[Fact] = st.one_of(
    st.builds(GatewayInfo, at=moments, site_name=st.none() | texts, os=st.none() | texts, started=moments),
    st.builds(
        GatewayState,
        at=moments,
        uptime_s=counts,
        connected_since=st.none() | moments,
        quarantined=st.lists(st.builds(Quarantined, identity=texts, last_seen=moments), max_size=3).map(tuple),
    ),
    st.builds(
        ChargerInfo,
        at=moments,
        charger=slugs,
        identity=texts,
        name=st.none() | texts,
        boot=st.none() | st.builds(BootReported, texts, texts, texts, texts, texts),
        first_seen=moments,
    ),
    st.builds(
        ChargerState,
        at=moments,
        charger=slugs,
        since=moments,
        last_seen=st.none() | moments,
        last_boot=st.none() | moments,
        report=st.none() | reports,
        clock_skew_s=st.none() | st.floats(),
    ),
    st.builds(
        ConnectorState,
        at=moments,
        charger=slugs,
        report=reports,
        since=moments,
        stale_since=st.none() | moments,
        previous=st.none() | st.builds(PreviousStatus, texts, texts, moments),
    ),
)


def only_strict_numbers(word: str) -> None:
    """NaN and Infinity are no JSON."""
    raise AssertionError(word)


@given(fact=facts)
def test_any_fact_is_valid_json_with_exactly_the_documented_keys(fact: Fact) -> None:
    (message,) = render(fact, "site1", Numbers())
    payload = json.loads(message.payload.encode("utf-8"), parse_constant=only_strict_numbers)
    (template,) = (row.template for row in TOPICS if row.fact is type(fact))
    assert keys_of(payload) == set(KEYS[template.format(charger="cp01", connector="1")].split())
    assert payload.get("previous") is None or set(payload["previous"]) == PREVIOUS_KEYS
    assert "\x00" not in message.payload
    assert message.topic.isascii()
