"""A charger that is read with every quirk that comes with evgate, and what was published of its connector 1."""

from __future__ import annotations

from typing import Any

from gateway.core.facts import MeterState, SessionChanged, SessionState
from gateway.quirks import Catalogue
from gateway.settings.quirk_files import shipped
from tests.core.drive import Drive, drive, known
from tests.core.texts import stamp

CATALOGUE = Catalogue(shipped()[0])


def charger() -> Drive:
    """One that is connected, and has said nothing yet."""
    table = drive(known(), refresh=False, quirks=CATALOGUE)
    table.online()
    return table


def charging(*, meter: int = 1000) -> Drive:
    """Its transaction 7 goes on, on connector 1."""
    table = charger()
    table.reports("Preparing")
    table.starts(7, meter=meter)
    table.reports("Charging")
    return table


def session(table: Drive) -> SessionState:
    return table.published(SessionState)[-1]


def ends(table: Drive) -> list[SessionChanged]:
    return [event for event in table.published(SessionChanged) if event.kind == "ended"]


def begins(table: Drive) -> list[SessionChanged]:
    return [event for event in table.published(SessionChanged) if event.kind == "started"]


def metered(table: Drive, *samples: dict[str, Any]) -> MeterState:
    values = [{"timestamp": stamp(table.now.wall), "sampledValue": list(samples)}]
    table.asks("MeterValues", {"connectorId": 1, "meterValue": values})
    return table.published(MeterState)[-1]
