"""The connectors of one charger, with its sessions and its ways at hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.core.connectors import Connector, Connectors, News
from gateway.core.memory import ConnectorRecord
from gateway.core.moment import Moment
from gateway.core.reports import StatusReported
from gateway.core.traits import Trait

START = datetime(2026, 3, 1, tzinfo=UTC)


def at(second: float) -> Moment:
    """A second since the start, by both clocks."""
    return Moment(START + timedelta(seconds=second), second)


@dataclass
class Bay:
    """Connectors, with sessions and the ways of the charger at hand."""

    sessions: set[int] = field(default_factory=set)
    traits: set[Trait] = field(default_factory=set)
    connectors: Connectors = field(init=False)

    def __post_init__(self) -> None:
        self.connectors = Connectors(self.sessions.__contains__, self.traits.__contains__)

    def says(self, second: float, status: str, connector: int = 1, *, told: float | None = None, **more: Any) -> News:
        """A report; `told` is the second it says it is about."""
        reported_at = None if told is None else at(told).wall
        return self.connectors.reported(StatusReported(connector, status, reported_at=reported_at, **more), at(second))

    def get(self, connector: int = 1) -> Connector:
        known = self.connectors.get(connector)
        assert known is not None
        return known

    @property
    def record(self) -> ConnectorRecord:
        return self.get().record

    @property
    def condition(self) -> str:
        assert self.get().condition == self.record.condition
        return self.record.condition


def restored(*records: ConnectorRecord, traits: set[Trait] | None = None, sessions: set[int] | None = None) -> Bay:
    """A new process, at second 1000."""
    bay = Bay(sessions or set(), traits or set())
    bay.connectors.restore(records, at(1000))
    return bay
