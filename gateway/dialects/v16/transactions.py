"""The messages of a transaction: tag, remote start, beginning with upstream's answer, end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.core.ports import Reading
from gateway.core.reports import (
    RemoteStartRequested,
    TagPresented,
    TransactionNumbered,
    TransactionStarted,
    TransactionStopped,
)
from gateway.dialects.v16.fields import connector, is_told, number, text, time, transaction, word
from gateway.dialects.v16.metering import values_of
from gateway.dialects.v16.vocabulary import REASONS

NO_REASON: Final = "Local"

LARGEST_REGISTER_WH = 10**12
"""A terawatt hour: a charger of 4 MW that never rests needs 28 years for it."""


def authorize(payload: Mapping[str, Any]) -> Reading:
    """Authorize.req (1.6 6.1). Without a tag nobody showed one."""
    if text(payload.get("idTag")) is None:
        return Reading(oddities=("missing_id_tag",))
    return Reading(TagPresented())


def start(payload: Mapping[str, Any]) -> Reading:
    """StartTransaction.req (1.6 6.45). Without a connector, which is above 0 here, there is no fact."""
    connector_id = connector(payload.get("connectorId"))
    if not connector_id:
        return Reading(oddities=("unreadable_connector",))
    odd: list[str] = []
    id_tag = text(payload.get("idTag"))
    if id_tag is None:
        odd.append("missing_id_tag")
    meter_start_wh = _register(payload.get("meterStart"), odd)
    charger_ts, started_at = time(payload.get("timestamp"), odd, required=True)
    return Reading(TransactionStarted(connector_id, id_tag, meter_start_wh, charger_ts, started_at), tuple(odd))


def stop(payload: Mapping[str, Any]) -> Reading:
    """StopTransaction.req (1.6 6.49). No reason means Local."""
    odd: list[str] = []
    transaction_id = transaction(payload.get("transactionId"), odd)
    if transaction_id is None and not odd:
        odd.append("missing_transaction")
    meter_stop_wh = _register(payload.get("meterStop"), odd)
    charger_ts, stopped_at = time(payload.get("timestamp"), odd, required=True)
    reason = word(payload.get("reason"), REASONS) or NO_REASON
    if reason not in REASONS.values():
        odd.append("unknown_reason")
    fact = TransactionStopped(
        transaction_id=transaction_id,
        meter_stop_wh=meter_stop_wh,
        charger_ts=charger_ts,
        stopped_at=stopped_at,
        id_tag=text(payload.get("idTag")),
        reason=reason,
        values=values_of(payload.get("transactionData"), odd),
    )
    return Reading(fact, tuple(dict.fromkeys(odd)))


def numbered(payload: Mapping[str, Any]) -> TransactionNumbered:
    """StartTransaction.conf (1.6 6.46): the id, and the status of the tag."""
    info = payload.get("idTagInfo")
    status = text(info.get("status")) if isinstance(info, Mapping) else None
    return TransactionNumbered(transaction(payload.get("transactionId"), []), status)


def remote_start(payload: Mapping[str, Any]) -> Reading:
    """RemoteStartTransaction.req (1.6 6.33). Without a connector, or with 0, the charger chooses one."""
    sent = payload.get("connectorId")
    connector_id = connector(sent)
    odd = ("unreadable_connector",) if connector_id is None and is_told(sent) else ()
    return Reading(RemoteStartRequested(connector_id or None), odd)


def _register(value: Any, odd: list[str]) -> int | None:
    """A register in whole Wh (1.6 6.45, 6.49), None where it tells none; one that has a fraction is unreadable."""
    if not is_told(value):
        odd.append("missing_meter")
        return None
    read, why = number(value)
    if why == "too_large" or (read is not None and abs(read) > LARGEST_REGISTER_WH):
        odd.append("absurd_meter")
    elif read is None or read != read.to_integral_value():
        odd.append("unreadable_meter")
    elif read < 0:
        odd.append("negative_meter")
    else:
        return int(read)
    return None
