"""The records of sessions that were met midway: nobody saw them begin, or they were given up and go on."""

from __future__ import annotations

from dataclasses import replace

from gateway.core.energy import begun, carried_on
from gateway.core.memory import ConnectorRecord, SessionRecord
from gateway.core.moment import Moment
from gateway.core.phases import UNKNOWN_PHASE, entered
from gateway.core.reports import MeterReported, TransactionStopped
from gateway.core.transaction import names_one


def adopted(number: int, report: MeterReported, place: ConnectorRecord | None, now: Moment) -> SessionRecord:
    """Readings show a transaction that nobody saw begin: its energy counts from the first of them."""
    record = SessionRecord(
        number=number,
        connector_id=report.connector_id,
        energy=replace(begun(None), estimated=True),
        transaction_id=report.transaction_id,
        visit=place.visit if place is not None else None,
        plugged_at=place.plugged_at if place is not None else None,
    )
    return entered(record, place.condition if place is not None else UNKNOWN_PHASE, now.wall)


def going_on(number: int, before: SessionRecord, place: ConnectorRecord) -> SessionRecord:
    """A transaction whose end was told goes on: this session begins where that one ended, in time and in energy."""
    record = SessionRecord(
        number=number,
        connector_id=before.connector_id,
        energy=carried_on(before.energy),
        transaction_id=before.transaction_id,
        id_tag=before.id_tag,
        started=before.ended,
        start_delivered=before.start_delivered,
        visit=place.visit,
        plugged_at=place.plugged_at,
    )
    return entered(record, UNKNOWN_PHASE, before.ended) if before.ended is not None else record


def only_ended(number: int, connector_id: int, report: TransactionStopped, shown_tag: str | None) -> SessionRecord:
    """All that is known of it is its end."""
    return SessionRecord(
        number=number,
        connector_id=connector_id,
        energy=begun(None),
        transaction_id=report.transaction_id if names_one(report.transaction_id) else None,
        id_tag=shown_tag,
    )
