"""What is known of each connector of one charger, connector 0 (the charger itself) included.

Everything that changes a connector's state is in this file. The last report wins, in the order of receipt; nothing is
filtered: a status that the specification does not expect is kept and shown as the charger sent it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from gateway.core.condition import condition_of
from gateway.core.facts import ConnectorState, PreviousStatus, StatusReported
from gateway.core.moment import Moment

MOST_CONNECTORS = 64
"""No charger has more; each connector is a retained topic, and a broken charger must not make topics without end."""

SOURCE = "status_notification"


@dataclass(slots=True)
class Connectors:
    """The connectors of the station `charger` (its slug), by OCPP 1.6 connectorId."""

    charger: str
    _states: dict[int, ConnectorState] = field(default_factory=dict)

    def reported(self, report: StatusReported, protocol: str, now: Moment) -> ConnectorState | None:
        """Take a report in; None when the charger has named too many connectors already."""
        before = self._states.get(report.connector_id)
        if before is None and len(self._states) >= MOST_CONNECTORS:
            return None
        changed = before is None or before.report.status != report.status
        state = ConnectorState(
            at=now.wall,
            charger=self.charger,
            report=report,
            protocol=protocol,
            condition=condition_of(report.status),
            since=now.wall if before is None or changed else before.since,
            previous=_previous(before) if changed else before.previous if before else None,
            source=SOURCE,
            stale=False,
            stale_since=None,
            stale_reason=None,
            upstream_delivered=False,
        )
        self._states[report.connector_id] = state
        return state

    def delivered(self, report: StatusReported, now: Moment) -> ConnectorState | None:
        """Upstream answered this report; None when a newer one stands already."""
        state = self._states.get(report.connector_id)
        if state is None or state.report is not report:
            return None
        return self._put(replace(state, at=now.wall, upstream_delivered=True))

    def went_stale(self, reason: str, now: Moment) -> list[ConnectorState]:
        """Nobody confirms any more: keep the last known status, and say that it is old."""
        return [
            self._put(replace(state, at=now.wall, stale=True, stale_since=now.wall, stale_reason=reason))
            for state in list(self._states.values())
            if not state.stale
        ]

    def get(self, connector_id: int) -> ConnectorState | None:
        """The state of one connector, None if it never reported."""
        return self._states.get(connector_id)

    def __iter__(self) -> Iterator[ConnectorState]:
        return iter(list(self._states.values()))

    def ids(self) -> tuple[int, ...]:
        """The connectors that have reported, without connector 0, in order."""
        return tuple(sorted(connector for connector in self._states if connector != 0))

    def _put(self, state: ConnectorState) -> ConnectorState:
        self._states[state.report.connector_id] = state
        return state


def _previous(before: ConnectorState | None) -> PreviousStatus | None:
    if before is None:
        return None
    return PreviousStatus(status=before.report.status, condition=before.condition, since=before.since)
