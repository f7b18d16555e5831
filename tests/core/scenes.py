"""What happens to a charger in many tests."""

from __future__ import annotations

from gateway.core.effects import Effect
from gateway.core.events import Leg
from gateway.core.facts import ConnectorState
from tests.core.drive import Drive, connected
from tests.core.texts import call, result

QUIET_S = 50.0
"""Shorter than any idle limit."""


def boot(
    table: Drive,
    interval: object = 300,
    registration: str = "Accepted",
    message_id: str = "b",
    **more: str,
) -> list[Effect]:
    """A boot and upstream's answer."""
    payload = {"chargePointVendor": "V", "chargePointModel": "M", **more}
    table.charger(call(message_id, "BootNotification", payload))
    return table.upstream(result(message_id, {"status": registration, "interval": interval, "currentTime": "x"}))


def stay(table: Drive, seconds: float) -> None:
    """Time passes, and both legs show signs of life."""
    until = table.now.monotonic + seconds
    while (left := until - table.now.monotonic) > 0:
        table.elapse(min(left, QUIET_S))
        for leg in Leg:
            table.pong(leg)


def state(table: Drive, connector: int = 1) -> ConnectorState:
    """What was published of a connector last."""
    return [fact for fact in table.published(ConnectorState) if fact.record.connector_id == connector][-1]


def charging(named: tuple[str, ...] = ()) -> Drive:
    """Connector 1 is in a session."""
    table = connected(named=named)
    boot(table)
    table.reports("Preparing")
    table.elapse(1)
    table.starts()
    table.elapse(1)
    table.reports("Charging")
    table.elapse(1)
    return table
