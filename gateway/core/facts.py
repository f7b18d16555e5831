"""What the gateway tells, as values: `topics` renders them for MQTT.

States stand until the next one of their kind; events (`StatusChanged` and the like) happened once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.core.condition import Condition
from gateway.core.memory import ConnectorRecord, FaultRecord, SessionRecord
from gateway.core.reports import BootReported, StatusReported


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
    """What seldom changes about a charger. `protocol` is the subprotocol name, `quirks` are the deviations it has."""

    at: datetime
    charger: str
    identity: str
    name: str | None
    boot: BootReported | None
    protocol: str | None
    connectors: tuple[int, ...]
    security_profile: int
    first_seen: datetime | None
    quirks: tuple[str, ...] = ()


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
    status_since: datetime | None
    fault: bool
    stale: bool
    stale_reason: str | None
    registered: str | None
    last_boot: datetime | None
    reconnects_24h: int
    clock_skew_s: float | None
    remote_addr: str | None


@dataclass(frozen=True, slots=True)
class ConnectorState:
    """One connector (never 0): raw report and what it means. `at` moves with each confirmation, `since` does not.

    `meaning` is what follows from the report, the session and the faults together. `expected`: does the specification
    list the last change of status? None where there was none. `upstream_delivered` is None where that is not known.
    """

    at: datetime
    charger: str
    record: ConnectorRecord
    meaning: Condition
    protocol: str
    fault: bool
    source: str
    stale: bool
    stale_since: datetime | None
    stale_reason: str | None
    upstream_delivered: bool | None


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """A connector changed its status; or, `late`, told of a status of the past, which changes nothing.

    `transition` is the code of the change in the specification's table, None for the first status and for late ones.
    `dwell_s` is how long the status before lasted.
    """

    at: datetime
    charger: str
    report: StatusReported
    condition_before: str | None
    condition: str
    transition: str | None
    expected: bool | None
    dwell_s: int | None
    late: bool = False


@dataclass(frozen=True, slots=True)
class Faults:
    """Every fault and warning that a charger has, connector 0 included."""

    at: datetime
    charger: str
    faults: tuple[FaultRecord, ...]
    stale: bool


@dataclass(frozen=True, slots=True)
class FaultChanged:
    """A fault was `raised`, `updated` or `cleared`."""

    at: datetime
    charger: str
    kind: str
    fault: FaultRecord


@dataclass(frozen=True, slots=True)
class MeterState:
    """What a connector's meter said last: `readings` by the key of the payload, None for what was not said.

    `context` and the charger's time are those of the newest value; of a charger that is away nothing live is left.
    """

    at: datetime
    charger: str
    connector_id: int
    readings: Mapping[str, float | int | None]
    context: str | None = None
    charger_ts: str | None = None
    transaction_id: int | None = None
    stale: bool = False


@dataclass(frozen=True, slots=True)
class SessionState:
    """The session of a connector, or the last one: `duration_s` so far, `power_w` now."""

    at: datetime
    charger: str
    record: SessionRecord
    duration_s: int | None
    power_w: float | None
    stale: bool


@dataclass(frozen=True, slots=True)
class SessionChanged:
    """A session `started`, `ended`, or was `corrected` after its end."""

    at: datetime
    charger: str
    identity: str
    kind: str
    record: SessionRecord
    duration_s: int | None


@dataclass(frozen=True, slots=True)
class ConnectivityChanged:
    """A charger came `online`, went `offline`, or `booted`."""

    at: datetime
    charger: str
    kind: str
    remote_addr: str | None
    reconnects_24h: int


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

    `events_...` are those of MQTT: not acknowledged yet, dropped because too many waited, refused by the broker.
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
    events_waiting: int = 0
    events_dropped: int = 0
    events_dead: int = 0
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
    | Faults
    | MeterState
    | SessionState
    | StatusChanged
    | FaultChanged
    | SessionChanged
    | ConnectivityChanged
    | ChargerForgotten
)
