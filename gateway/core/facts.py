"""What the gateway knows, as values: the dialects make them from payloads, `topics` renders them for MQTT.

Fields that a charger left out are None. Raw OCPP words stay as the charger sent them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

NO_ERROR = "NoError"


@dataclass(frozen=True, slots=True)
class StatusReported:
    """A connector's status as the charger put it (1.6 StatusNotification). Connector 0 is the whole charger."""

    connector_id: int
    status: str
    error_code: str = NO_ERROR
    info: str | None = None
    vendor_id: str | None = None
    vendor_error_code: str | None = None
    charger_ts: str | None = None


@dataclass(frozen=True, slots=True)
class BootReported:
    """Who the charger says it is (1.6 BootNotification)."""

    vendor: str | None
    model: str | None
    serial: str | None = None
    firmware: str | None = None
    meter_serial: str | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """Upstream's answer to a boot: `status` as sent, `interval_s` between heartbeats (None if unreadable)."""

    status: str
    interval_s: int | None


@dataclass(frozen=True, slots=True)
class ChargerStatus:
    """Availability of a charger: its WebSocket stands."""

    charger: str
    online: bool


@dataclass(frozen=True, slots=True)
class ChargerForgotten:
    """A charger is none of this gateway's any more: what stands retained of it and its connectors is cleared."""

    charger: str
    connectors: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ChargerInfo:
    """What seldom changes about a charger. `protocol` is the subprotocol name."""

    at: datetime
    charger: str
    identity: str
    name: str | None
    boot: BootReported | None
    protocol: str | None
    connectors: tuple[int, ...]
    security_profile: int
    first_seen: datetime | None


@dataclass(frozen=True, slots=True)
class ChargerState:
    """Charger-level state: its connector 0 and its link."""

    at: datetime
    charger: str
    online: bool
    since: datetime
    last_seen: datetime | None
    report: StatusReported | None
    condition: str
    stale: bool
    stale_reason: str | None
    registered: str | None
    last_boot: datetime | None
    reconnects_24h: int
    clock_skew_s: float | None
    remote_addr: str | None


@dataclass(frozen=True, slots=True)
class PreviousStatus:
    """What a connector's status was before the present one."""

    status: str
    condition: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ConnectorState:
    """One connector (never 0): raw report and what it means. `at` moves with each confirmation, `since` does not."""

    at: datetime
    charger: str
    report: StatusReported
    protocol: str
    condition: str
    since: datetime
    previous: PreviousStatus | None
    source: str
    stale: bool
    stale_since: datetime | None
    stale_reason: str | None
    upstream_delivered: bool


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """Availability of the gateway itself: it stands on the broker."""

    online: bool


@dataclass(frozen=True, slots=True)
class GatewayInfo:
    """What seldom changes about the gateway. `protocol` is the level of MQTT in use: 5, or 4 for 3.1.1."""

    at: datetime
    site: str
    site_name: str | None
    version: str
    started: datetime
    boot_id: str | None
    os: str | None
    ocpp_versions: tuple[str, ...]
    protocol: int | None
    broker: str
    chargers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChargerCounts:
    """How many chargers are known, connected, of unconfirmed state, have a faulted or a charging connector."""

    configured: int = 0
    online: int = 0
    stale: int = 0
    faulted: int = 0
    charging: int = 0


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Somebody who knocked and is not known: what an installer needs to adopt it.

    `credentials`: did it show any (an Authorization header)?
    """

    identity: str
    address: str
    subprotocols: tuple[str, ...]
    reason: str
    last_seen: datetime
    attempts: int
    credentials: bool = False


@dataclass(frozen=True, slots=True)
class GatewayState:
    """Health of the gateway: `health` is ok, degraded or critical, `reasons` say why it is not ok.

    `quarantine` counts all who wait there, `quarantined` holds the latest of them. `counters` says how often each kind
    of event happened since the start, by the name that its log line carries too. `clock_offset_ms` is the true time, by
    the best word of an upstream, minus this machine's.
    """

    at: datetime
    health: str
    reasons: tuple[str, ...]
    uptime_s: int
    chargers: ChargerCounts
    upstream_links: int
    upstream_online: int
    reconnects: int
    connected_since: datetime | None
    clock_trust: str | None = None
    clock_source: str | None = None
    clock_offset_ms: int | None = None
    db_bytes: int | None = None
    quarantine: int = 0
    quarantined: tuple[Quarantined, ...] = ()
    counters: Mapping[str, int] = field(default_factory=dict)


Fact = (
    GatewayStatus
    | GatewayInfo
    | GatewayState
    | ChargerStatus
    | ChargerInfo
    | ChargerState
    | ConnectorState
    | ChargerForgotten
)
