"""The `Store` port in memory: what is committed lives in a `Disk`, which outlives the store as a file would."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from gateway.core.clock_trust import TrustRecord
from gateway.core.memory import ChargerRecord, ConnectorRecord, Durable, FaultRecord, Memory, SessionRecord
from gateway.core.record import StationRecord
from gateway.runtime.ports import (
    Change,
    ForgottenStation,
    Remembered,
    Retention,
    SavedStation,
    SavedTrust,
    StoreFailed,
)

ROW_BYTES = 100
"""What a row counts for `size_bytes` and the quota."""


class Disk(dict[str, StationRecord]):
    """The rows of the stations by key, what is remembered of them by row, and the one of the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.remembered: dict[str, Remembered] = {}
        self.trust: TrustRecord | None = None
        self.tag_key = secrets.token_bytes(32)

    @property
    def size_bytes(self) -> int:
        return ROW_BYTES * (len(self) + len(self.remembered))


class MemoryStore:
    """Obeys the port; `failure`, once set, is the sentence with which every call fails until it is None again."""

    def __init__(self, disk: Disk | None = None) -> None:
        self.disk = Disk() if disk is None else disk
        self.failure: str | None = None
        self.set_aside: str | None = None
        """A test may say that a damaged database was."""
        self.commits: list[tuple[Change, ...]] = []
        """What was committed, one entry per call that succeeded."""
        self._closed = False

    async def open(self) -> None:
        self._check()

    async def commit(self, changes: Sequence[Change]) -> None:
        self._check()
        stations, remembered, trust = dict(self.disk), dict(self.disk.remembered), self.disk.trust
        for change in changes:
            match change:
                case SavedStation(record):
                    stations[record.key] = record
                case ForgottenStation(key):
                    stations.pop(key, None)
                    remembered = {row: kept for row, kept in remembered.items() if kept.key != key}
                case SavedTrust(trust):
                    pass
                case Remembered():
                    remembered[change.row] = change
        if len({record.slug for record in stations.values()}) < len(stations):
            raise StoreFailed("Two stations share a slug. Report this.")
        self.disk.clear()
        self.disk.update(stations)
        self.disk.remembered, self.disk.trust = remembered, trust
        self.commits.append(tuple(changes))

    async def stations(self) -> list[StationRecord]:
        self._check()
        return list(self.disk.values())

    async def memories(self) -> dict[str, Memory]:
        self._check()
        keys = {change.key for change in self.disk.remembered.values()}
        memories = {key: self._memory(key) for key in keys}
        return {key: memory for key, memory in memories.items() if memory != Memory()}

    async def tag_key(self) -> bytes:
        self._check()
        return self.disk.tag_key

    async def tidy(self, before: Retention) -> int:
        self._check()
        finished = [(row, end) for row, change in self.disk.remembered.items() if (end := _finished(change.record))]
        oldest_first = sorted(finished, key=lambda item: item[1].number)
        going = [row for row, end in oldest_first if _expired(end, before)]
        for row in going:
            del self.disk.remembered[row]
        for row, _ in oldest_first:
            if self.disk.size_bytes > before.quota_bytes and row in self.disk.remembered:
                del self.disk.remembered[row]
                going.append(row)
        return len(going)

    async def trust(self) -> TrustRecord | None:
        self._check()
        return self.disk.trust

    @property
    def size_bytes(self) -> int | None:
        return self.disk.size_bytes if self.commits else None

    async def close(self) -> None:
        self._closed = True

    def _memory(self, key: str) -> Memory:
        records = [change.record for change in self.disk.remembered.values() if change.key == key]
        chargers = [record for record in records if isinstance(record, ChargerRecord)]
        connectors = [record for record in records if isinstance(record, ConnectorRecord)]
        faults = [record for record in records if isinstance(record, FaultRecord)]
        newest = max((fault.number for fault in faults), default=0)
        faults = [fault for fault in faults if fault.cleared is None or fault.number == newest]
        sessions = sorted((one for one in records if isinstance(one, SessionRecord)), key=lambda one: one.number)
        last_ended = {session.connector_id: session for session in sessions if not session.active}
        return Memory(
            charger=chargers[0] if chargers else None,
            connectors=tuple(sorted(connectors, key=lambda connector: connector.connector_id)),
            faults=tuple(sorted(faults, key=lambda fault: fault.number)),
            sessions=tuple(one for one in sessions if one.active or one is last_ended[one.connector_id]),
        )

    def _check(self) -> None:
        if self._closed:
            raise StoreFailed("The store is closed. Open another one.")
        if self.failure is not None:
            raise StoreFailed(self.failure)


def _finished(record: Durable) -> SessionRecord | FaultRecord | None:
    match record:
        case SessionRecord(active=False) | FaultRecord(cleared=datetime()):
            return record
    return None


def _expired(record: SessionRecord | FaultRecord, before: Retention) -> bool:
    """Numbers are times: what was begun later has not ended earlier, whatever the charger says of its end."""
    if isinstance(record, SessionRecord):
        end, limit = record.ended, before.sessions_before
    else:
        end, limit = record.cleared, before.faults_before
    return record.number < limit.timestamp() and (end is None or end < limit)
