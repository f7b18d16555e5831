"""What a daemon says, whole and plausible; tests change the parts they are about."""

from __future__ import annotations

from typing import Any

Answer = dict[str, Any]


def charger(**changes: Any) -> Answer:
    """A charger that is online and charges a car."""
    return {
        "identity": "CP01",
        "slug": "cp01",
        "name": "East wall",
        "standing": "configured",
        "online": True,
        "since": "2026-11-21T12:00:05.250Z",
        "last_seen": "2026-11-21T13:00:01.000Z",
        "address": "192.0.2.7:51000",
        "subprotocol": "ocpp1.6",
        "upstream": "operator",
        "upstream_online": True,
        "connectors": [connector()],
        "problem": None,
        **changes,
    }


def connector(**changes: Any) -> Answer:
    """A connector that charges."""
    return {
        "connector": "1",
        "status": "Charging",
        "condition": "charging",
        "error_code": "NoError",
        "since": "2026-11-21T12:40:12.000Z",
        "stale": False,
        **changes,
    }


def stranger(**changes: Any) -> Answer:
    """One in the quarantine."""
    return {
        "identity": "CP99",
        "address": "192.0.2.9:40001",
        "subprotocols": ["ocpp1.6", "ocpp2.0.1"],
        "credentials": True,
        "reason": "unknown identity",
        "last_seen": "2026-11-21T12:59:00.000Z",
        "attempts": 3,
        **changes,
    }


def report(**changes: Any) -> Answer:
    """A site where everything works."""
    return {
        "version": "0.3.0",
        "site": "depot3",
        "site_name": "Depot Süd",
        "started": "2026-11-21T09:48:00.000Z",
        "uptime_s": 11_530,
        "health": "ok",
        "configuration": {
            "files": ["/etc/evgate/gateway.toml", "/etc/evgate/conf.d/site.toml"],
            "in_use": "current",
            "since": "2026-11-21T09:48:00.000Z",
            "problems": [],
        },
        "listeners": [{"address": "0.0.0.0:9000", "tls": False, "passed": True, "open": True, "problem": None}],
        "chargers": [charger()],
        "quarantined": [],
        "upstreams": [
            {"name": "operator", "url": "wss://csms.example.com/ocpp", "links": 1, "online": 1, "problem": None}
        ],
        "mqtt": {
            "broker": "127.0.0.1:1883",
            "base": "evgate/depot3",
            "connected": True,
            "protocol": 5,
            "connected_since": "2026-11-21T09:48:01.000Z",
            "reconnects": 0,
            "problem": None,
        },
        "store": {"path": "/var/lib/evgate/evgate.db", "bytes": 1_240_000, "problem": None},
        "clock": {"trust": "synced", "source": "marker", "offset_ms": None},
        "problems": [],
        **changes,
    }


def entry(**changes: Any) -> Answer:
    """A frame that was relayed."""
    text = '[2,"19","StatusNotification",{"connectorId":1,"status":"Charging","errorCode":"NoError"}]'
    return {
        "at": "2026-11-21T12:40:12.034Z",
        "charger": "CP01",
        "from": "charger",
        "to": "upstream",
        "done": "relayed",
        "action": "StatusNotification",
        "text": text,
        "length": len(text),
        "cut": False,
        "note": "",
        **changes,
    }
