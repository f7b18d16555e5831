"""Payloads about the gateway itself."""

from __future__ import annotations

from gateway.core.facts import GatewayInfo, GatewayState, Quarantined
from gateway.core.moment import timestamp
from gateway.topics.payload import Context, Payload, when

QUARANTINE_SHOWN = 20
"""Entries listed; the number of all is published beside them."""


def gateway_info(fact: GatewayInfo, _context: Context) -> Payload:
    """`gateway/info`."""
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


def gateway_state(fact: GatewayState, _context: Context) -> Payload:
    """`gateway/state`."""
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
        "outbox": {
            "queued": fact.events_waiting,
            "oldest": None,
            "dead": fact.events_dead,
            "dropped": fact.events_dropped,
            "db_bytes": fact.db_bytes,
        },
        "mqtt": {"reconnects": fact.reconnects, "connected_since": when(fact.connected_since)},
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
