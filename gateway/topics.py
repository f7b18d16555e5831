"""What is published where on MQTT: one table, and the payload of each row.

Topics are below the base (`<root>/<gateway id>`). Payloads are JSON objects in which every documented key is
always present, null for what is unknown; availability topics carry a bare word. Keys are only added in `v` 1.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from gateway.core.condition import is_faulty, meaning_of
from gateway.core.facts import (
    ChargerForgotten,
    ChargerInfo,
    ChargerState,
    ChargerStatus,
    ConnectorState,
    Fact,
    GatewayInfo,
    GatewayState,
    GatewayStatus,
    Quarantined,
)
from gateway.core.message import Message
from gateway.core.moment import timestamp

SCHEMA = 1

LONGEST_TEXT = 500
"""Characters of one string: ten times what OCPP allows for `info`, and far below any broker's limit."""

LARGEST_INTEGER = 2**53 - 1
"""The largest whole number that every reader of JSON takes exactly, JavaScript included (RFC 8259, 6)."""

QUARANTINE_SHOWN = 20
"""Entries listed; the number of all is published beside them."""

ONLINE: Final = {True: "online", False: "offline"}

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Topic:
    """One row: how a fact is published. No `payload` means the bare word; `numbered` adds `seq`."""

    fact: type
    template: str
    qos: int
    retain: bool
    content: str
    payload: Callable[[Any], Payload] | None = None
    numbered: bool = False


@dataclass(slots=True)
class Numbers:
    """`seq` of each topic: 1, 2, 3, ... since the start of the process."""

    _last: Counter[str] = field(default_factory=Counter)

    def __call__(self, topic: str) -> int:
        """The next number of this topic."""
        self._last[topic] += 1
        return self._last[topic]


def render(fact: Fact, gateway: str, seq: Callable[[str], int]) -> list[Message]:
    """The messages that tell this fact; `gateway` is the site id, `seq` gives a topic's next number."""
    if isinstance(fact, ChargerForgotten):
        return _cleared(fact)
    row = ROW_OF[type(fact)]
    topic = row.template.format(**_ids(fact))
    if row.payload is None:
        assert isinstance(fact, GatewayStatus | ChargerStatus)
        return [Message(topic, ONLINE[fact.online], row.qos, row.retain)]
    assert not isinstance(fact, GatewayStatus | ChargerStatus)
    payload: Payload = {"v": SCHEMA, "ts": timestamp(fact.at)}
    if row.numbered:
        payload["seq"] = seq(topic)
    payload["gateway"] = gateway
    return [Message(topic, to_json(payload | row.payload(fact)), row.qos, row.retain)]


def _cleared(fact: ChargerForgotten) -> list[Message]:
    """An empty retained message removes what stands on a topic (MQTT 5, 3.3.1.3)."""
    topics = [row.template for row in TOPICS if "{charger}" in row.template]
    of_charger = [topic.format(charger=fact.charger) for topic in topics if "{connector}" not in topic]
    of_connectors = [
        topic.format(charger=fact.charger, connector=connector)
        for connector in fact.connectors
        for topic in topics
        if "{connector}" in topic
    ]
    return [Message(topic, "", 1, True) for topic in of_connectors + of_charger]


def _ids(fact: Fact) -> dict[str, object]:
    match fact:
        case ConnectorState():
            return {"charger": fact.charger, "connector": fact.report.connector_id}
        case ChargerStatus() | ChargerInfo() | ChargerState():
            return {"charger": fact.charger}
        case _:
            return {}


def _gateway_info(fact: GatewayInfo) -> Payload:
    return {
        "site": fact.site,
        "site_name": fact.site_name,
        "product": "evgate",
        "version": fact.version,
        "started": timestamp(fact.started),
        "boot_id": fact.boot_id,
        "os": fact.os,
        "ocpp_versions": fact.ocpp_versions,
        "mqtt": {"protocol": fact.protocol, "broker": fact.broker},
        "commands": {"enabled": False, "allowed": []},
        "chargers": fact.chargers,
        "meters": [],
        "asyncapi": None,
    }


def _gateway_state(fact: GatewayState) -> Payload:
    counts = fact.chargers
    return {
        "health": fact.health,
        "reasons": fact.reasons,
        "uptime_s": fact.uptime_s,
        "chargers": {
            "configured": counts.configured,
            "online": counts.online,
            "stale": counts.stale,
            "faulted": counts.faulted,
            "charging": counts.charging,
        },
        "meters": {"configured": 0, "online": 0},
        "upstream": {
            "links": fact.upstream_links,
            "online": fact.upstream_online,
            "queued": 0,
            "oldest_queued": None,
        },
        "outbox": {"queued": 0, "oldest": None, "dead": 0, "dropped": 0, "db_bytes": fact.db_bytes},
        "mqtt": {"reconnects": fact.reconnects, "connected_since": _when(fact.connected_since)},
        "clock": {"trust": fact.clock_trust, "source": fact.clock_source, "offset_ms": fact.clock_offset_ms},
        "counters": dict(sorted(fact.counters.items())),
        "quarantine": fact.quarantine,
        "quarantined": [_quarantined(entry) for entry in fact.quarantined[:QUARANTINE_SHOWN]],
    }


def _quarantined(entry: Quarantined) -> Payload:
    return {
        "identity": entry.identity,
        "address": entry.address,
        "subprotocols": entry.subprotocols,
        "reason": entry.reason,
        "last_seen": timestamp(entry.last_seen),
        "attempts": entry.attempts,
        "credentials": entry.credentials,
    }


def _charger_info(fact: ChargerInfo) -> Payload:
    boot = fact.boot
    return {
        "charger": fact.charger,
        "identity": fact.identity,
        "name": fact.name,
        "vendor": boot.vendor if boot else None,
        "model": boot.model if boot else None,
        "serial": boot.serial if boot else None,
        "firmware": boot.firmware if boot else None,
        "ocpp_version": _version(fact.protocol),
        "connectors": [str(connector) for connector in fact.connectors],
        "features": [],
        "security_profile": fact.security_profile,
        "first_seen": _when(fact.first_seen),
        "meter_serial": boot.meter_serial if boot else None,
    }


def _charger_state(fact: ChargerState) -> Payload:
    report = fact.report
    return {
        "charger": fact.charger,
        "online": fact.online,
        "since": timestamp(fact.since),
        "last_seen": _when(fact.last_seen),
        "status": report.status if report else None,
        "condition": fact.condition,
        "error_code": report.error_code if report else None,
        "vendor_error_code": report.vendor_error_code if report else None,
        "info": report.info if report else None,
        "stale": fact.stale,
        "stale_reason": fact.stale_reason,
        "registered": fact.registered,
        "last_boot": _when(fact.last_boot),
        "boot_reason": None,  # 1.6 has none
        "reconnects_24h": fact.reconnects_24h,
        "clock_skew_s": None if fact.clock_skew_s is None else round(fact.clock_skew_s, 1),
        "firmware_status": None,
        "diagnostics_status": None,
        "rtt_ms": None,
        "remote_addr": fact.remote_addr,
    }


def _connector_state(fact: ConnectorState) -> Payload:
    report = fact.report
    meaning = meaning_of(report.status, report.info)
    previous = fact.previous
    return {
        "charger": fact.charger,
        "connector": str(report.connector_id),
        "evse_id": None,  # 1.6 has none
        "connector_id": report.connector_id,
        "ocpp_version": _version(fact.protocol),
        "status": report.status,
        "error_code": report.error_code,
        "info": report.info,
        "vendor_id": report.vendor_id,
        "vendor_error_code": report.vendor_error_code,
        "charger_ts": report.charger_ts,
        "condition": fact.condition,
        "plugged": meaning.plugged,
        "charging": meaning.charging,
        "in_session": meaning.in_session,
        "operative": meaning.operative,
        "reserved": meaning.reserved,
        "locked": None,  # 1.6 has none
        "fault": is_faulty(report.status, report.error_code),
        "since": timestamp(fact.since),
        "previous": {
            "status": previous.status,
            "condition": previous.condition,
            "since": timestamp(previous.since),
        }
        if previous
        else None,
        "source": fact.source,
        "stale": fact.stale,
        "stale_since": _when(fact.stale_since),
        "stale_reason": fact.stale_reason,
        "upstream_delivered": fact.upstream_delivered,
    }


# fmt: off
TOPICS: Final = (
    #     fact            topic below the base                    QoS retained content
    Topic(GatewayStatus,  "status",                                1, True,
          "`online` or `offline`; the broker itself says `offline` when the gateway is lost"),
    Topic(GatewayInfo,    "gateway/info",                          1, True,
          "version, site, MQTT and OCPP versions, chargers", _gateway_info),
    Topic(GatewayState,   "gateway/state",                         1, True,
          "health, its reasons, counts of chargers and links, trust in the clock, counters of events, quarantine",
          _gateway_state, True),
    Topic(ChargerStatus,  "charger/{charger}/status",              1, True,
          "`online` or `offline`: the charger's connection"),
    Topic(ChargerInfo,    "charger/{charger}/info",                1, True,
          "identity, vendor, model, serial, firmware, OCPP version, connectors", _charger_info),
    Topic(ChargerState,   "charger/{charger}/state",               1, True,
          "status of the charger itself (OCPP connector 0), link, boot, registration", _charger_state, True),
    Topic(ConnectorState, "charger/{charger}/connector/{connector}/state", 1, True,
          "status of one connector, raw and as `condition` with yes/no answers", _connector_state, True),
)
# fmt: on

ROW_OF: Final = {row.fact: row for row in TOPICS}


def topics_table() -> str:
    """The table above in Markdown, as README shows it."""
    lines = ["| Topic below `<base>` | QoS | Retained | Content |", "|---|---|---|---|"]
    for row in TOPICS:
        topic = row.template.replace("{", "<").replace("}", ">")
        lines.append(f"| `{topic}` | {row.qos} | {'yes' if row.retain else 'no'} | {row.content} |")
    return "\n".join(lines) + "\n"


_UNFIT = re.compile("[\x00\ud800-\udfff]")


def to_json(payload: Payload) -> str:
    """Compact JSON that every consumer can read: see `_fit`."""
    return json.dumps(_fit(payload), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _fit(value: Any) -> Any:
    """NaN, infinities and huge integers as null; texts cut, without NUL and lone surrogates."""
    match value:
        case str():
            return _UNFIT.sub("\ufffd", value[:LONGEST_TEXT])
        case bool() | None:
            return value
        case int():
            return value if abs(value) <= LARGEST_INTEGER else None
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: _fit(item) for key, item in value.items()}
        case _:
            return [_fit(item) for item in value]


def _when(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment)


def _version(protocol: str | None) -> str | None:
    """`1.6` for the subprotocol `ocpp1.6`."""
    return None if protocol is None else protocol.removeprefix("ocpp")
