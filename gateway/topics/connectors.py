"""Payloads about one connector: what it is doing, and what its meter says."""

from __future__ import annotations

from gateway.core.facts import ConnectorState, MeterState, StatusChanged
from gateway.core.moment import timestamp
from gateway.core.readings import KEYS
from gateway.core.transitions import MEANINGS
from gateway.topics.payload import Context, Payload, version, visit_id, when


def connector_state(fact: ConnectorState, context: Context) -> Payload:
    """`charger/<charger>/connector/<connector>/state`."""
    record, meaning = fact.record, fact.meaning
    report, previous = record.report, record.previous
    return {
        "charger": fact.charger,
        "connector": str(report.connector_id),
        "evse_id": None,  # 1.6 has none
        "connector_id": report.connector_id,
        "ocpp_version": version(fact.protocol),
        "status": report.status,
        "error_code": report.error_code,
        "info": report.info,
        "vendor_id": report.vendor_id,
        "vendor_error_code": report.vendor_error_code,
        "charger_ts": report.charger_ts,
        "condition": record.condition,
        "plugged": meaning.plugged,
        "charging": meaning.charging,
        "in_session": meaning.in_session,
        "operative": meaning.operative,
        "reserved": meaning.reserved,
        "locked": None,  # 1.6 has none
        "fault": fact.fault,
        "since": timestamp(record.since),
        "previous": {
            "status": previous.status,
            "condition": previous.condition,
            "since": timestamp(previous.since),
        }
        if previous
        else None,
        "transition": record.transition,
        "expected": None if record.transition is None else record.transition in MEANINGS,
        "unexpected_transitions": record.unexpected,
        "visit_id": visit_id(context, fact.charger, report.connector_id, record.visit),
        "plugged_at": when(record.plugged_at),
        "source": fact.source,
        "stale": fact.stale,
        "stale_since": when(fact.stale_since),
        "stale_reason": fact.stale_reason,
        "upstream_delivered": fact.upstream_delivered,
    }


def status_changed(fact: StatusChanged, _context: Context) -> Payload:
    """`event/status/<charger>/<connector>`; `from` and `to` are conditions, `status` is the charger's word."""
    report = fact.report
    return {
        "event": "status_late" if fact.late else "status_changed",
        "charger": fact.charger,
        "connector": str(report.connector_id),
        "from": fact.condition_before,
        "to": fact.condition,
        "status": report.status,
        "error_code": report.error_code,
        "info": report.info,
        "vendor_id": report.vendor_id,
        "vendor_error_code": report.vendor_error_code,
        "charger_ts": report.charger_ts,
        "transition": fact.transition,
        "expected": fact.expected,
        "dwell_s": fact.dwell_s,
    }


def meter_state(fact: MeterState, _context: Context) -> Payload:
    """`charger/<charger>/connector/<connector>/meter`; a quantity that is not among `KEYS` stands in `extra`."""
    return {
        "charger": fact.charger,
        "connector": str(fact.connector_id),
        "source": "meter_values",
        "context": fact.context,
        "charger_ts": fact.charger_ts,
        "transaction_id": fact.transaction_id,
        **{name: fact.readings.get(name) for name in KEYS},
        "stale": fact.stale,
        "extra": {name: reading for name, reading in fact.readings.items() if name not in KEYS},
    }
