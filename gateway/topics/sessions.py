"""Payloads about sessions. A session is one OCPP transaction."""

from __future__ import annotations

from gateway.core.facts import SessionChanged, SessionState
from gateway.core.memory import SessionRecord
from gateway.topics.payload import Context, Payload, numbered_id, visit_id, when


def session_state(fact: SessionState, context: Context) -> Payload:
    """`charger/<charger>/connector/<connector>/session`: the one that lasts, else the last one with `active` false."""
    record = fact.record
    return {
        "charger": fact.charger,
        **_session(record, fact.charger, fact.duration_s, context),
        "active": record.active,
        "meter_now_wh": record.energy.now_wh,
        "power_w": fact.power_w,
        "stale": fact.stale,
    }


def session_changed(fact: SessionChanged, context: Context) -> Payload:
    """`event/session/<charger>/<connector>`; of one `session_id` the highest `revision` counts."""
    record = fact.record
    return {
        "event": fact.kind,
        "charger": fact.charger,
        "identity": fact.identity,
        **_session(record, fact.charger, fact.duration_s, context),
        "upstream_start_delivered": record.start_delivered,
        "upstream_stop_delivered": record.stop_delivered,
        "signed_meter": record.signed,
    }


def _session(record: SessionRecord, charger: str, duration_s: int | None, context: Context) -> Payload:
    energy = record.energy
    return {
        "connector": str(record.connector_id),
        "revision": record.revision,
        "session_id": numbered_id(context, charger, record.connector_id, record.number),
        "visit_id": visit_id(context, charger, record.connector_id, record.visit),
        "transaction_id": record.transaction_id,
        "local_transaction_id": None,  # until the gateway gives ids of its own
        "id_tag": record.id_tag,
        "plugged_at": when(record.plugged_at),
        "started": when(record.started),
        "ended": when(record.ended),
        "unplugged_at": when(record.unplugged_at),
        "duration_s": duration_s,
        "charging_s": int(record.charging_s),
        "phases": [
            {"name": phase.name, "since": when(phase.since), "seconds": int(phase.seconds)} for phase in record.phases
        ],
        "meter_start_wh": energy.start_wh,
        "meter_stop_wh": energy.stop_wh,
        "energy_wh": energy.energy_wh,
        "energy_source": "charger",
        "estimated": energy.estimated,
        "resets": energy.resets,
        "max_power_w": record.max_power_w,
        "soc_start_pct": record.soc_start_pct,
        "soc_pct": record.soc_pct,
        "stop_reason": record.stop_reason,
        "started_offline": record.started_late,
        "ended_offline": record.ended_late,
        "time_trust": context.time_trust,
    }
