"""What the gateway remembers of a charger beside its row: it stands in the store, and is there again after a power cut.

One record is one row. It is written when it changes and at no other time, and whatever of it is published on MQTT was
written before: so what stands on the broker is never newer than what is known after a restart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.core.energy import Energy
from gateway.core.reports import BootReported, StatusReported


@dataclass(frozen=True, slots=True)
class ChargerRecord:
    """The charger itself. `untriggerable` is the model and firmware that took a TriggerMessage badly."""

    boot: BootReported | None = None
    last_boot: datetime | None = None
    registered: str | None = None
    heartbeat_s: int | None = None
    protocol: str | None = None
    remote_addr: str | None = None
    security_profile: int = 0
    untriggerable: str | None = None
    relative_meter: bool = False
    """Its meter values count from the beginning of each session, while those of start and stop do not."""


@dataclass(frozen=True, slots=True)
class PreviousStatus:
    """What a connector's status was before the present one."""

    status: str
    condition: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ConnectorRecord:
    """One connector, 0 for the whole charger. `report` is the one that brought the present state, `since` its time.

    `ended`: a session ended here, and the cable was not seen out since. `transition` is the code of the last change of
    status (`transitions`), `unexpected` how many the specification does not list. A visit lasts from plug-in to unplug.
    """

    report: StatusReported
    condition: str
    since: datetime
    previous: PreviousStatus | None = None
    ended: bool = False
    transition: str | None = None
    unexpected: int = 0
    visit: int | None = None
    plugged_at: datetime | None = None

    @property
    def connector_id(self) -> int:
        """Which one."""
        return self.report.connector_id


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """A fault or warning from its beginning to its end. `number` is unique for its charger and grows.

    `code` is the OCPP error code, or `Unknown` for Faulted without one; `severity` is error (the connector is Faulted)
    or warning. `pre_fault_status` is the raw status before Faulted. `cleared_by` names what ended it.
    """

    number: int
    connector_id: int
    code: str
    vendor_id: str | None
    vendor_error_code: str | None
    info: str | None
    severity: str
    raised: datetime
    last_seen: datetime
    occurrences: int = 1
    pre_fault_status: str | None = None
    transaction_id: int | None = None
    cleared: datetime | None = None
    cleared_by: str | None = None


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of a session in one condition (`charging`, `suspended_ev`, ...); `seconds` counted so far."""

    name: str
    since: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One OCPP transaction. `number` is unique for its charger and grows; `revision` is 0 until it has ended.

    `id_tag` is what may be shown of the tag. `started` is None where nobody saw the beginning. An end that nobody told
    has the stop reason `unknown`. `visit` is that of the connector, from `plugged_at` to `unplugged_at`.
    """

    number: int
    connector_id: int
    energy: Energy
    transaction_id: int | None = None
    id_tag: str | None = None
    started: datetime | None = None
    ended: datetime | None = None
    charger_ts: str | None = None
    """The beginning in the charger's own words: with connector and register it tells a repeated request."""
    stop_reason: str | None = None
    revision: int = 0
    visit: int | None = None
    plugged_at: datetime | None = None
    unplugged_at: datetime | None = None
    phases: tuple[Phase, ...] = ()
    charging_s: float = 0.0
    max_power_w: float | None = None
    soc_start_pct: float | None = None
    soc_pct: float | None = None
    started_late: bool = False
    """The charger told of the beginning long after it: it was offline meanwhile."""
    start_told: bool = False
    """`started` is the charger's own time, not that of receipt."""
    ended_late: bool = False
    duration_s: float = 0.0
    """Seconds it has lasted, counted while they passed: a clock that is set changes nothing."""
    counted_at: datetime | None = None
    """Up to when its seconds are counted, by the wall clock: from there they go on after a restart."""
    start_delivered: bool = False
    stop_delivered: bool = False
    signed: bool = False
    """Signed meter values came with it; they went upstream as they were."""

    @property
    def active(self) -> bool:
        """Has it not ended?"""
        return self.revision == 0


Durable = ChargerRecord | ConnectorRecord | FaultRecord | SessionRecord


@dataclass(frozen=True, slots=True)
class Memory:
    """All that is remembered of one charger: every connector, the faults that last and the newest one, of each
    connector the session that is open and the last one that ended."""

    charger: ChargerRecord | None = None
    connectors: tuple[ConnectorRecord, ...] = ()
    faults: tuple[FaultRecord, ...] = ()
    sessions: tuple[SessionRecord, ...] = ()

    def records(self) -> list[Durable]:
        """Every record."""
        whole = [self.charger] if self.charger is not None else []
        return [*whole, *self.connectors, *self.faults, *self.sessions]


NOTHING = Memory()
