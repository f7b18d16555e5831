"""What is durable of one charger, and what is published of it: the judge of every station under test.

Nothing is published of a record that was not made durable in the same event or before, nothing is written twice, and
what stands on MQTT last is what stands in the store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.core.effects import Effect, Publish, Remember
from gateway.core.facts import ConnectorState, Fact, FaultChanged, Faults, SessionChanged, SessionState
from gateway.core.memory import ChargerRecord, ConnectorRecord, Durable, FaultRecord, Memory, SessionRecord

MOST_EFFECTS = 400
"""Of one event: more than any can bring about, with all the connectors that a charger may have."""

Row = tuple[type[Durable], int]


def row_of(record: Durable) -> Row:
    """Which row of the store a record is."""
    match record:
        case ChargerRecord():
            return ChargerRecord, 0
        case ConnectorRecord():
            return ConnectorRecord, record.connector_id
        case FaultRecord() | SessionRecord():
            return type(record), record.number


def records_of(fact: Fact) -> tuple[Durable, ...]:
    """What of a publication is durable."""
    match fact:
        case ConnectorState() | SessionState() | SessionChanged():
            return (fact.record,)
        case FaultChanged():
            return (fact.fault,)
        case Faults():
            return fact.faults
        case _:
            return ()


@dataclass
class Kept:
    """`rows` is what stands in the store; `writes` counts how often something was written there."""

    rows: dict[Row, Durable] = field(default_factory=dict)
    writes: int = 0

    def begin(self, memory: Memory) -> None:
        """This stood there before."""
        self.rows = {row_of(record): record for record in memory.records()}

    def take(self, effects: Sequence[Effect]) -> None:
        """The effects of one event: first all that is durable, then what is published."""
        assert len(effects) < MOST_EFFECTS
        may_show: dict[Row, list[Durable]] = {row: [record] for row, record in self.rows.items()}
        for effect in effects:
            if isinstance(effect, Remember):
                row = row_of(effect.record)
                assert effect.record != self.rows.get(row), "written, and nothing has changed"
                self.rows[row] = effect.record
                may_show.setdefault(row, []).append(effect.record)
                self.writes += 1
        standing: dict[tuple[type[Fact], int], Fact] = {}
        for effect in effects:
            if not isinstance(effect, Publish):
                continue
            for record in records_of(effect.fact):
                assert record in may_show.get(row_of(record), []), "published, and not durable"
            if isinstance(effect.fact, ConnectorState | SessionState):
                standing[type(effect.fact), effect.fact.record.connector_id] = effect.fact
            elif isinstance(effect.fact, Faults):
                standing[Faults, 0] = effect.fact
        for fact in standing.values():
            for record in records_of(fact):
                assert record == self.rows[row_of(record)], "an older form of it stands on MQTT"

    def memory(self) -> Memory:
        """What the store hands out after a restart."""
        whole = self.rows.get((ChargerRecord, 0))
        sessions = [record for record in self.rows.values() if isinstance(record, SessionRecord)]
        sessions.sort(key=lambda record: record.number)
        last = {record.connector_id: record for record in sessions if not record.active}
        faults = [record for record in self.rows.values() if isinstance(record, FaultRecord)]
        newest = max((record.number for record in faults), default=0)
        return Memory(
            charger=whole if isinstance(whole, ChargerRecord) else None,
            connectors=tuple(record for record in self.rows.values() if isinstance(record, ConnectorRecord)),
            faults=tuple(record for record in faults if record.cleared is None or record.number == newest),
            sessions=(*last.values(), *(record for record in sessions if record.active)),
        )
