"""Payloads about faults and warnings."""

from __future__ import annotations

from gateway.core.facts import FaultChanged, Faults
from gateway.core.meanings import fault_text
from gateway.core.memory import FaultRecord
from gateway.core.moment import timestamp
from gateway.topics.payload import Context, Payload, numbered_id, when

ERROR = "error"
"""The severity of a fault that keeps the connector from charging; the others are warnings."""


def faults(fact: Faults, context: Context) -> Payload:
    """`charger/<charger>/faults`; an empty list means healthy."""
    # The worst first; otherwise as they came.
    found = sorted(fact.faults, key=lambda fault: fault.severity != ERROR)
    return {
        "charger": fact.charger,
        "count": len(found),
        "worst": found[0].severity if found else None,
        "stale": fact.stale,
        "faults": [_fault(fault, fact.charger, context) for fault in found],
    }


def fault_changed(fact: FaultChanged, context: Context) -> Payload:
    """`event/fault/<charger>/<connector>`."""
    fault = fact.fault
    lasted = None if fault.cleared is None else fault.cleared - fault.raised
    return {
        "event": fact.kind,
        "charger": fact.charger,
        **_fault(fault, fact.charger, context),
        "cleared": when(fault.cleared),
        # The wall clock may have been set back in between.
        "duration_s": None if lasted is None else max(0, int(lasted.total_seconds())),
        "cleared_by": fault.cleared_by,
    }


def _fault(fault: FaultRecord, charger: str, context: Context) -> Payload:
    return {
        "fault_id": numbered_id(context, charger, fault.connector_id, fault.number),
        "connector": str(fault.connector_id),
        "code": fault.code,
        "vendor_id": fault.vendor_id,
        "vendor_error_code": fault.vendor_error_code,
        "key": ".".join(filter(None, ("ocpp", fault.code, fault.vendor_error_code))),
        "text": fault_text(fault.code, fault.vendor_error_code),
        "info": fault.info,
        "severity": fault.severity,
        "source": "ocpp",
        "raised": timestamp(fault.raised),
        "last_seen": timestamp(fault.last_seen),
        "occurrences": fault.occurrences,
        "pre_fault_status": fault.pre_fault_status,
        "transaction_id": fault.transaction_id,
        "latched": False,  # none waits for a person to clear it
    }
