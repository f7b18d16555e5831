"""The table: each row is a kind of fact and how it is published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from gateway.core.facts import (
    ChargerInfo,
    ChargerState,
    ChargerStatus,
    ConnectivityChanged,
    ConnectorState,
    FaultChanged,
    Faults,
    GatewayInfo,
    GatewayState,
    GatewayStatus,
    MeterState,
    SessionChanged,
    SessionState,
    StatusChanged,
)
from gateway.topics.chargers import charger_info, charger_state, connectivity_changed
from gateway.topics.connectors import connector_state, meter_state, status_changed
from gateway.topics.faults import fault_changed, faults
from gateway.topics.gateways import gateway_info, gateway_state
from gateway.topics.payload import Context, Payload
from gateway.topics.sessions import session_changed, session_state


@dataclass(frozen=True, slots=True)
class Topic:
    """One row: how a fact is published. No `payload` means the bare word; `numbered` adds a `seq` of the topic's own.

    What is not retained is an event: it has an id, and a `seq` that all events share.
    """

    fact: type
    template: str
    qos: int
    retain: bool
    content: str
    payload: Callable[[Any, Context], Payload] | None = None
    numbered: bool = False


# fmt: off
TOPICS: Final = (
    #     fact            topic below the base                    QoS retained content
    Topic(GatewayStatus,  "status",                                1, True,
          "`online` or `offline`; the broker itself says `offline` when the gateway is lost"),
    Topic(GatewayInfo,    "gateway/info",                          1, True,
          "version, site, MQTT and OCPP versions, chargers", gateway_info),
    Topic(GatewayState,   "gateway/state",                         1, True,
          "health, its reasons, counts of chargers and links, trust in the clock, counters of events, quarantine",
          gateway_state, True),
    Topic(ChargerStatus,  "charger/{charger}/status",              1, True,
          "`online` or `offline`: the charger's connection"),
    Topic(ChargerInfo,    "charger/{charger}/info",                1, True,
          "identity, vendor, model, serial, firmware, OCPP version, connectors", charger_info),
    Topic(ChargerState,   "charger/{charger}/state",               1, True,
          "status of the charger itself (OCPP connector 0), link, boot, registration", charger_state, True),
    Topic(Faults,         "charger/{charger}/faults",              1, True,
          "every fault and warning that lasts, of all connectors; an empty list means healthy", faults, True),
    Topic(ConnectorState, "charger/{charger}/connector/{connector}/state", 1, True,
          "status of one connector, raw and as `condition` with yes/no answers", connector_state, True),
    Topic(SessionState,   "charger/{charger}/connector/{connector}/session", 1, True,
          "the charging session that goes on, or the last one with `active` false", session_state, True),
    # QoS 0: the next reading is worth more than the delivery of this one.
    Topic(MeterState,     "charger/{charger}/connector/{connector}/meter", 0, True,
          "power, currents, voltages and registers as the charger sent them last", meter_state, True),
    Topic(StatusChanged,  "event/status/{charger}/{connector}",    1, False,
          "`status_changed`, or `status_late` for one told long after it was true", status_changed),
    Topic(FaultChanged,   "event/fault/{charger}/{connector}",     1, False,
          "a fault was `raised`, `updated` or `cleared`", fault_changed),
    Topic(SessionChanged, "event/session/{charger}/{connector}",   1, False,
          "a session `started`, `ended` (the full record) or was `corrected`", session_changed),
    Topic(ConnectivityChanged, "event/connectivity/{charger}",     1, False,
          "a charger came `online`, went `offline`, or `booted`", connectivity_changed),
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
