"""What the peers said, as values: the dialects make them from payloads, and from here on nobody knows an OCPP version.

Fields that a peer left out are None. Raw OCPP words stay as they were sent. A time comes twice: `charger_ts` as the
charger wrote it, and the instant (UTC) that was read in it, None where it tells no plausible one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

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
    reported_at: datetime | None = None


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
class Sample:
    """One sampled value. `value` is None where the charger's cannot be used, and `refused` names the reason then.

    The words are OCPP's, the defaults of the specification filled in (1.6 section 7.42). `signed`: a signed record
    stands in the value's place; it is never read, shown or changed.
    """

    measurand: str
    value: Decimal | None
    unit: str | None = None
    phase: str | None = None
    location: str = "Outlet"
    context: str = "Sample.Periodic"
    signed: bool = False
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class MeterValue:
    """What was sampled at one time."""

    samples: tuple[Sample, ...]
    charger_ts: str | None = None
    sampled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MeterReported:
    """Readings of a connector, or of the whole charger for 0 (1.6 MeterValues), in the order sent."""

    connector_id: int
    values: tuple[MeterValue, ...]
    transaction_id: int | None = None


@dataclass(frozen=True, slots=True)
class TransactionStarted:
    """The charger began a transaction and asks for its id (1.6 StartTransaction). `meter_start_wh` is the register."""

    connector_id: int
    id_tag: str | None = field(repr=False)
    meter_start_wh: int | None
    charger_ts: str | None = None
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TransactionStopped:
    """The charger ended a transaction (1.6 StopTransaction); it names no connector. No `reason` means Local (6.45)."""

    transaction_id: int | None
    meter_stop_wh: int | None
    charger_ts: str | None = None
    stopped_at: datetime | None = None
    id_tag: str | None = field(default=None, repr=False)
    reason: str = "Local"
    values: tuple[MeterValue, ...] = ()


@dataclass(frozen=True, slots=True)
class TransactionNumbered:
    """Upstream's answer to `TransactionStarted`: the id that everybody uses from now on, None if unreadable."""

    transaction_id: int | None
    status: str | None


@dataclass(frozen=True, slots=True)
class TagPresented:
    """Somebody showed a tag to the charger (1.6 Authorize); it does not say at which connector."""


@dataclass(frozen=True, slots=True)
class RemoteStartRequested:
    """Upstream asks the charger to begin a transaction (1.6 RemoteStartTransaction); None: at any connector."""

    connector_id: int | None


Report = (
    StatusReported
    | BootReported
    | MeterReported
    | TransactionStarted
    | TransactionStopped
    | TagPresented
    | RemoteStartRequested
)
"""What a CALL may tell."""
