"""Payloads about a charger as a whole."""

from __future__ import annotations

from gateway.core.facts import ChargerInfo, ChargerState, ConnectivityChanged
from gateway.core.moment import timestamp
from gateway.topics.payload import Context, Payload, version, when


def charger_info(fact: ChargerInfo, _context: Context) -> Payload:
    """`charger/<charger>/info`."""
    boot = fact.boot
    return {
        "charger": fact.charger,
        "identity": fact.identity,
        "name": fact.name,
        "vendor": boot.vendor if boot else None,
        "model": boot.model if boot else None,
        "serial": boot.serial if boot else None,
        "firmware": boot.firmware if boot else None,
        "ocpp_version": version(fact.protocol),
        "connectors": [str(connector) for connector in fact.connectors],
        "features": [],
        "quirks": list(fact.quirks),
        "security_profile": fact.security_profile,
        "first_seen": when(fact.first_seen),
        "meter_serial": boot.meter_serial if boot else None,
    }


def charger_state(fact: ChargerState, _context: Context) -> Payload:
    """`charger/<charger>/state`."""
    report = fact.report
    return {
        "charger": fact.charger,
        "online": fact.online,
        "since": timestamp(fact.since),
        "last_seen": when(fact.last_seen),
        "status": report.status if report else None,
        "condition": fact.condition,
        "status_since": when(fact.status_since),
        "error_code": report.error_code if report else None,
        "vendor_error_code": report.vendor_error_code if report else None,
        "info": report.info if report else None,
        "fault": fact.fault,
        "stale": fact.stale,
        "stale_reason": fact.stale_reason,
        "registered": fact.registered,
        "last_boot": when(fact.last_boot),
        "boot_reason": None,  # 1.6 has none
        "reconnects_24h": fact.reconnects_24h,
        "clock_skew_s": None if fact.clock_skew_s is None else round(fact.clock_skew_s, 1),
        "firmware_status": None,
        "diagnostics_status": None,
        "rtt_ms": None,
        "remote_addr": fact.remote_addr,
    }


def connectivity_changed(fact: ConnectivityChanged, _context: Context) -> Payload:
    """`event/connectivity/<charger>`."""
    return {
        "event": fact.kind,
        "charger": fact.charger,
        "remote_addr": fact.remote_addr,
        "reconnects_24h": fact.reconnects_24h,
    }
