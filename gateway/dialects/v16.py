"""OCPP 1.6: payloads to core facts, and the calls of the gateway's own.

Reading is lenient, because dirty frames are normal in the field: a status outside the enumeration, a number where a
string belongs, an empty string for an absent field. What was odd is named, the fact is still made, and the frame itself
is relayed by others, untouched.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ocpp.v16.enums import Action, ChargePointErrorCode, ChargePointStatus

from gateway.core.facts import NO_ERROR, BootReported, Registration, StatusReported
from gateway.core.ports import Reading

ACTIONS: Final = frozenset(action.value for action in Action)
STATUSES: Final = frozenset(status.value for status in ChargePointStatus)
ERROR_CODES: Final = frozenset(code.value for code in ChargePointErrorCode)

TELL_THE_TIME: Final = frozenset({"BootNotification", "Heartbeat"})
"""Actions whose answer carries `currentTime`."""

ROUTINE: Final = frozenset({"Heartbeat", "MeterValues"})

LONGEST_TEXT = 500
"""Longest string kept of a payload: ten times what the specification allows for `info`, which firmware exceeds."""

LARGEST_CONNECTOR = 1000
"""Connectors are numbered 1..N without gaps (1.6 3.8); a larger number is garbage and must not make a topic."""

LONGEST_TIME = 40
"""RFC 3339 with nanoseconds and offset takes 35 characters."""

LONGEST_DATE = 10
"""What is no longer is a day without a time of day."""

EARLIEST_YEAR, LATEST_YEAR = 2020, 2099
"""Outside of these upstream has lost its own clock: they start at 1970 or 2000, and wrap around after 2100."""


class Dialect16:
    """The dialect registered for the subprotocol `ocpp1.6`."""

    version = "1.6"

    def read_call(self, action: str, payload: Mapping[str, Any]) -> Reading:
        """StatusNotification and BootNotification become facts; other actions have nothing to read in this version."""
        if action == "StatusNotification":
            return _status(payload)
        if action == "BootNotification":
            return _boot(payload)
        return Reading()

    def read_registration(self, payload: Mapping[str, Any]) -> Registration:
        """BootNotification.conf (1.6 6.8): `interval` in seconds, None when it is no whole number above 0."""
        interval = _integer(payload.get("interval"))
        return Registration(
            status=_text(payload.get("status")) or "unknown",
            interval_s=interval if interval is not None and interval > 0 else None,
        )

    def read_time(self, action: str, payload: Mapping[str, Any]) -> datetime | None:
        """`currentTime` of BootNotification.conf (1.6 6.8) and Heartbeat.conf."""
        return _time(payload.get("currentTime")) if action in TELL_THE_TIME else None

    def is_routine(self, action: str) -> bool:
        """Heartbeat and MeterValues come all day long."""
        return action in ROUTINE

    def is_known(self, action: str) -> bool:
        """Core, all optional profiles and the security extension."""
        return action in ACTIONS

    def refresh(self) -> tuple[str, Mapping[str, Any]]:
        """TriggerMessage without connectorId asks for the charger and every connector (1.6 5.17)."""
        return "TriggerMessage", {"requestedMessage": "StatusNotification"}


def _status(payload: Mapping[str, Any]) -> Reading:
    """StatusNotification.req (1.6 6.47). Without a connector or a status there is no fact."""
    connector_id = _integer(payload.get("connectorId"))
    status = _text(payload.get("status"))
    if connector_id is None or not 0 <= connector_id <= LARGEST_CONNECTOR:
        return Reading(oddities=("unreadable_connector",))
    if status is None:
        return Reading(oddities=("unreadable_status",))
    error_code = _text(payload.get("errorCode"))
    oddities = []
    if status not in STATUSES:
        oddities.append("unknown_status")
    if error_code is None:
        oddities.append("missing_error_code")
    elif error_code not in ERROR_CODES:
        oddities.append("unknown_error_code")
    fact = StatusReported(
        connector_id=connector_id,
        status=status,
        error_code=error_code or NO_ERROR,
        info=_text(payload.get("info")),
        vendor_id=_text(payload.get("vendorId")),
        vendor_error_code=_text(payload.get("vendorErrorCode")),
        charger_ts=_text(payload.get("timestamp")),
    )
    return Reading(fact, tuple(oddities))


def _boot(payload: Mapping[str, Any]) -> Reading:
    """BootNotification.req (1.6 6.7). Firmware leaves even the two required fields empty."""
    fact = BootReported(
        vendor=_text(payload.get("chargePointVendor")),
        model=_text(payload.get("chargePointModel")),
        serial=_text(payload.get("chargePointSerialNumber")) or _text(payload.get("chargeBoxSerialNumber")),
        firmware=_text(payload.get("firmwareVersion")),
        meter_serial=_text(payload.get("meterSerialNumber")),
    )
    missing = fact.vendor is None or fact.model is None
    return Reading(fact, ("missing_vendor_or_model",) if missing else ())


def _time(value: Any) -> datetime | None:
    """An instant in any form of ISO 8601; without an offset it is UTC, as 1.6 recommends."""
    if not isinstance(value, str) or not LONGEST_DATE < len(value) <= LONGEST_TIME:
        return None
    try:
        instant = datetime.fromisoformat(value.strip().upper())
    except ValueError:
        return None
    if not EARLIEST_YEAR <= instant.year <= LATEST_YEAR:
        return None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _text(value: Any) -> str | None:
    """A string as sent, cut to a sane length; numbers as text; an empty string stands for an absent field."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value)[:LONGEST_TEXT] or None


def _integer(value: Any) -> int | None:
    """A whole number, also when it came as text or as `1.0`."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 9:
        return int(value)
    return None
