"""The dialect of the subprotocol `ocpp1.6`: which function reads which action."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from gateway.core.instants import instant
from gateway.core.ports import Reading
from gateway.core.reports import Registration, TransactionNumbered
from gateway.dialects.v16 import metering, notifications, transactions
from gateway.dialects.v16.fields import text
from gateway.dialects.v16.vocabulary import ACTIONS, ROUTINE, TELL_THE_TIME

_CALLS: Final[Mapping[str, Callable[[Mapping[str, Any]], Reading]]] = {
    "Authorize": transactions.authorize,
    "BootNotification": notifications.boot,
    "MeterValues": metering.meter_values,
    "StartTransaction": transactions.start,
    "StatusNotification": notifications.status,
    "StopTransaction": transactions.stop,
}
_COMMANDS: Final[Mapping[str, Callable[[Mapping[str, Any]], Reading]]] = {
    "RemoteStartTransaction": transactions.remote_start,
}


def _nothing(_: Mapping[str, Any]) -> Reading:
    return Reading()


class Dialect16:
    """The dialect registered for the subprotocol `ocpp1.6`."""

    version = "1.6"

    def read_call(self, action: str, payload: Mapping[str, Any]) -> Reading:
        """What tells of the charger, its connectors, transactions and readings; other actions tell nothing."""
        return _CALLS.get(action, _nothing)(payload)

    def read_command(self, action: str, payload: Mapping[str, Any]) -> Reading:
        """RemoteStartTransaction; other commands tell nothing."""
        return _COMMANDS.get(action, _nothing)(payload)

    def read_registration(self, payload: Mapping[str, Any]) -> Registration:
        """BootNotification.conf (1.6 6.4)."""
        return notifications.registration(payload)

    def read_number(self, payload: Mapping[str, Any]) -> TransactionNumbered:
        """StartTransaction.conf (1.6 6.46)."""
        return transactions.numbered(payload)

    def read_accepted(self, payload: Mapping[str, Any]) -> bool:
        """Is the status Accepted, in any case of letters?"""
        return (text(payload.get("status")) or "").lower() == "accepted"

    def read_time(self, action: str, payload: Mapping[str, Any]) -> datetime | None:
        """`currentTime` of BootNotification.conf (1.6 6.4) and Heartbeat.conf."""
        if action not in TELL_THE_TIME:
            return None
        read, _ = instant(text(payload.get("currentTime")) or "")
        return read

    def is_routine(self, action: str) -> bool:
        """Heartbeat and MeterValues come all day long."""
        return action in ROUTINE

    def is_known(self, action: str) -> bool:
        """Core, all optional profiles and the security extension."""
        return action in ACTIONS

    def refresh(self, connector_id: int) -> tuple[str, Mapping[str, Any]]:
        """TriggerMessage (1.6 5.17); without connectorId it asks for all at once, and some chargers refuse that."""
        return "TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": connector_id}
