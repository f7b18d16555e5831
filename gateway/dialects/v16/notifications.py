"""StatusNotification and BootNotification, with upstream's answer to the boot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.core.ports import Reading
from gateway.core.reports import NO_ERROR, BootReported, Registration, StatusReported
from gateway.dialects.v16.fields import connector, text, time, whole
from gateway.dialects.v16.vocabulary import ERROR_CODES, STATUSES


def status(payload: Mapping[str, Any]) -> Reading:
    """StatusNotification.req (1.6 6.47). Without a connector or a status there is no fact."""
    connector_id = connector(payload.get("connectorId"))
    said = text(payload.get("status"))
    if connector_id is None:
        return Reading(oddities=("unreadable_connector",))
    if said is None:
        return Reading(oddities=("unreadable_status",))
    error_code = text(payload.get("errorCode"))
    odd: list[str] = []
    if said not in STATUSES:
        odd.append("unknown_status")
    if error_code is None:
        odd.append("missing_error_code")
    elif error_code not in ERROR_CODES:
        odd.append("unknown_error_code")
    charger_ts, reported_at = time(payload.get("timestamp"), odd, required=False)
    fact = StatusReported(
        connector_id=connector_id,
        status=said,
        error_code=error_code or NO_ERROR,
        info=text(payload.get("info")),
        vendor_id=text(payload.get("vendorId")),
        vendor_error_code=text(payload.get("vendorErrorCode")),
        charger_ts=charger_ts,
        reported_at=reported_at,
    )
    return Reading(fact, tuple(odd))


def boot(payload: Mapping[str, Any]) -> Reading:
    """BootNotification.req (1.6 6.3). Firmware leaves even the two required fields empty."""
    fact = BootReported(
        vendor=text(payload.get("chargePointVendor")),
        model=text(payload.get("chargePointModel")),
        serial=text(payload.get("chargePointSerialNumber")) or text(payload.get("chargeBoxSerialNumber")),
        firmware=text(payload.get("firmwareVersion")),
        meter_serial=text(payload.get("meterSerialNumber")),
    )
    missing = fact.vendor is None or fact.model is None
    return Reading(fact, ("missing_vendor_or_model",) if missing else ())


def registration(payload: Mapping[str, Any]) -> Registration:
    """BootNotification.conf (1.6 6.4): `interval` in seconds, None when it is no whole number above 0."""
    interval_s = whole(payload.get("interval"))
    return Registration(
        status=text(payload.get("status")) or "unknown",
        interval_s=interval_s if interval_s is not None and interval_s > 0 else None,
    )
