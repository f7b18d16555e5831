"""A fact becomes messages: the row's topic, and the keys that all payloads share around those of the row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gateway.core.facts import (
    ChargerForgotten,
    ChargerStatus,
    ConnectorState,
    Fact,
    FaultChanged,
    GatewayInfo,
    GatewayState,
    GatewayStatus,
    MeterState,
    SessionChanged,
    SessionState,
    StatusChanged,
)
from gateway.core.message import Message
from gateway.core.moment import timestamp
from gateway.topics.payload import Context, Payload, to_json
from gateway.topics.table import ROW_OF, TOPICS, Topic

SCHEMA = 1

ONLINE: Final = {True: "online", False: "offline"}

EVENTS = "event"
"""What the events of all topics are numbered under: a gap in `seq` shows a consumer that it missed some."""


@dataclass(slots=True)
class Numbers:
    """`seq` of each topic, and of all events together: 1, 2, 3, ... since the start of the process."""

    _last: Counter[str] = field(default_factory=Counter)

    def __call__(self, topic: str) -> int:
        """The next number of this topic."""
        self._last[topic] += 1
        return self._last[topic]


def render(fact: Fact, context: Context, seq: Callable[[str], int]) -> list[Message]:
    """The messages that tell this fact; `seq` gives a topic's next number."""
    if isinstance(fact, ChargerForgotten):
        return _cleared(fact)
    row = ROW_OF[type(fact)]
    topic = row.template.format(**_ids(fact))
    if isinstance(fact, GatewayStatus | ChargerStatus):
        return [Message(topic, ONLINE[fact.online], row.qos, row.retain)]
    assert row.payload is not None
    payload = row.payload(fact, context)
    if not row.retain:
        return [_event(row, topic, payload, timestamp(fact.at), context, seq(EVENTS))]
    head: Payload = {"v": SCHEMA, "ts": timestamp(fact.at)}
    if row.numbered:
        head["seq"] = seq(topic)
    head["gateway"] = context.gateway
    return [Message(topic, to_json(head | payload), row.qos, row.retain)]


def _event(row: Topic, topic: str, payload: Payload, ts: str, context: Context, number: int) -> Message:
    """Both texts of an event: `replayed` tells those who act on it at once that it is old."""
    head: Payload = {
        "v": SCHEMA,
        "event_id": f"{context.gateway}-{context.boot_id}-{number}",
        "seq": number,
        "ts": ts,
        "time_trust": context.time_trust,
        "replayed": False,
        "gateway": context.gateway,
    }
    late = to_json(head | payload | {"replayed": True})
    return Message(topic, to_json(head | payload), row.qos, row.retain, late)


def _cleared(fact: ChargerForgotten) -> list[Message]:
    """An empty retained message removes what stands on a topic (MQTT 5, 3.3.1.3). Events stand nowhere."""
    topics = [row.template for row in TOPICS if row.retain and "{charger}" in row.template]
    of_charger = [topic.format(charger=fact.charger) for topic in topics if "{connector}" not in topic]
    of_connectors = [
        topic.format(charger=fact.charger, connector=connector)
        for connector in fact.connectors
        for topic in topics
        if "{connector}" in topic
    ]
    return [Message(topic, "", 1, True) for topic in of_connectors + of_charger]


def _ids(fact: Fact) -> dict[str, object]:
    """What stands in the braces of the row's topic."""
    match fact:
        case GatewayStatus() | GatewayInfo() | GatewayState():
            return {}
        case ConnectorState() | SessionState() | SessionChanged():
            connector = fact.record.connector_id
        case StatusChanged():
            connector = fact.report.connector_id
        case FaultChanged():
            connector = fact.fault.connector_id
        case MeterState():
            connector = fact.connector_id
        case _:
            return {"charger": fact.charger}
    return {"charger": fact.charger, "connector": connector}
