"""The judge of what is remembered and published of one charger, from its first event to its last, over restarts.

It sees records and facts only, and knows nothing of how they came about. `tests/core/kept.py` judges each event beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from gateway.core.connectors import CORRECTED_AT_MOST
from gateway.core.effects import Effect, Publish, Remember
from gateway.core.facts import ConnectorState, FaultChanged, Faults, SessionChanged, SessionState
from gateway.core.memory import ConnectorRecord, Durable, FaultRecord, SessionRecord
from tests.core.kept import Row, row_of


@dataclass
class Judge:
    """`rows` is the last form of each record ever remembered."""

    rows: dict[Row, Durable] = field(default_factory=dict)
    states: dict[int, ConnectorState] = field(default_factory=dict)
    sessions: dict[int, SessionState] = field(default_factory=dict)
    faults: Faults | None = None
    fault_events: dict[int, list[str]] = field(default_factory=dict)
    session_events: dict[int, list[tuple[str, int]]] = field(default_factory=dict)

    def take(self, effects: Sequence[Effect]) -> None:
        """What some events brought about."""
        for effect in effects:
            if isinstance(effect, Remember):
                self._compare(self.rows.get(row_of(effect.record)), effect.record)
                self.rows[row_of(effect.record)] = effect.record
        for effect in effects:
            match effect:
                case Publish(ConnectorState() as state):
                    self.states[state.record.connector_id] = state
                case Publish(SessionState() as session):
                    self.sessions[session.record.connector_id] = session
                case Publish(Faults() as faults):
                    self.faults = faults
                case Publish(FaultChanged(kind=kind, fault=fault)):
                    self.fault_events.setdefault(fault.number, []).append(kind)
                case Publish(SessionChanged(kind=kind, record=record)):
                    self.session_events.setdefault(record.number, []).append((kind, record.revision))
                case _:
                    pass

    def restarted(self) -> None:
        """A new process: what stands on MQTT is what it announces."""
        self.states, self.sessions, self.faults = {}, {}, None

    def _compare(self, before: Durable | None, after: Durable) -> None:
        match before, after:
            case ConnectorRecord(), ConnectorRecord():
                words = [(record.report.status.strip().casefold(), record.condition) for record in (before, after)]
                if words[0] == words[1]:
                    assert before.since == after.since
                # A change lies behind the one before, unless that one was told by a clock that nobody had set.
                assert not timedelta() < before.since - after.since <= CORRECTED_AT_MOST
                assert before.unexpected <= after.unexpected
                assert after.visit is None or before.visit is None or before.visit <= after.visit
            case SessionRecord(), SessionRecord():
                assert before.connector_id == after.connector_id
                # How far the charger's clock is off may be known only while it goes on.
                assert before.started == after.started or before.active
                assert before.revision <= after.revision
                assert before.active or not after.active
            case FaultRecord(), FaultRecord():
                assert (before.connector_id, before.raised) == (after.connector_id, after.raised)
                assert before.cleared is None
                assert before.occurrences <= after.occurrences
            case _:
                pass

    def check(self) -> None:
        """What must be true at any time."""
        self._check_faults()
        self._check_sessions()
        self._check_states()

    def _check_faults(self) -> None:
        faults = [record for record in self.rows.values() if isinstance(record, FaultRecord)]
        lasting = [fault for fault in faults if fault.cleared is None]
        words = [(fault.code, fault.vendor_id or "", fault.vendor_error_code or "") for fault in lasting]
        keys = [(fault.connector_id, *map(str.casefold, named)) for fault, named in zip(lasting, words, strict=True)]
        assert len(keys) == len(set(keys))
        assert all(fault.cleared is None or fault.cleared >= fault.raised for fault in faults)
        for number, kinds in self.fault_events.items():
            assert kinds[0] == "raised"
            assert kinds.count("raised") == 1
            assert kinds.count("cleared") == (kinds[-1] == "cleared")
            assert (kinds[-1] == "cleared") == (number not in [fault.number for fault in lasting])
        if self.states:
            assert self.faults is not None
        if self.faults is not None:
            assert sorted(fault.number for fault in self.faults.faults) == sorted(fault.number for fault in lasting)
        for connector, state in self.states.items():
            assert state.fault == (connector in [fault.connector_id for fault in lasting])

    def _check_sessions(self) -> None:
        sessions = [record for record in self.rows.values() if isinstance(record, SessionRecord)]
        going_on = [session.connector_id for session in sessions if session.active]
        assert len(going_on) == len(set(going_on))
        for session in sessions:
            energy = session.energy
            assert energy.energy_wh is None or energy.energy_wh >= 0
            assert energy.resets >= 0
            assert session.duration_s >= 0
            assert session.charging_s >= 0
            assert all(phase.seconds >= 0 for phase in session.phases)
            assert session.active == (session.ended is None)
            assert None in (session.started, session.ended) or session.ended >= session.started  # type: ignore[operator]
        for events in self.session_events.values():
            kinds = [kind for kind, _ in events]
            revisions = [revision for _, revision in events]
            assert kinds.count("started") <= 1
            assert "started" not in kinds[1:]
            assert kinds.count("ended") <= 1
            assert kinds.index("corrected") > kinds.index("ended") if "corrected" in kinds else True
            assert revisions == sorted(set(revisions))
        for connector, state in self.sessions.items():
            shown = [session for session in sessions if session.connector_id == connector]
            assert state.record in shown
            assert state.record.active or connector not in going_on

    def _check_states(self) -> None:
        for connector, state in self.states.items():
            assert connector > 0
            assert state.record == self.rows[ConnectorRecord, connector]
            assert state.meaning.word == state.record.condition
            assert (state.stale_since is None) == (state.stale_reason is None) == (not state.stale)
            assert state.record.plugged_at is None or state.record.visit is not None
            assert state.record.condition != "available" or state.record.visit is None
