"""The store in service: what cannot be written now is kept and written later, and charging never waits for it twice.

A store that fails does not stop the gateway: the relay needs nothing of it while upstream is live.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.core.effects import Level
from gateway.core.record import StationRecord
from gateway.runtime.notes import Notes
from gateway.runtime.ports import Change, ForgottenStation, SavedStation, Store, StoreFailed, StoreRefused

RETRY_EVERY_S = 60.0
"""A disk that was full or unplugged is noticed within a minute; more often would only fill the log."""


@dataclass(slots=True)
class Safekeeping:
    """One for all stations. `problem` is None while the store works, else what is wrong and what to do."""

    store: Store
    notes: Notes
    problem: str | None = None
    read: bool = False
    """Have the rows been read? Before that nobody can tell a stranger from a charger that was let in before."""
    _unsaved: dict[str, Change] = field(default_factory=dict)
    _begun_anew: set[str] = field(default_factory=set)
    """Rows that were to be forgotten: whatever stands there on disk is nobody's history any more."""

    async def begin(self) -> list[StationRecord]:
        """Open the store and read every row; none where it fails, and the daemon serves without."""
        try:
            return await self._open_and_read()
        except (StoreFailed, StoreRefused) as failure:
            self._failed(failure, "running without a store, no charger is known from before")
            return []

    async def save(self, changes: Sequence[Change]) -> None:
        """Return when the rows are durable. While the store is known to fail: at once, they are written later."""
        if self.problem is not None:
            self._keep(changes)
            return
        try:
            await self.store.commit(changes)
        except StoreFailed as failure:
            self._keep(changes)
            self._failed(failure, "not stored yet")

    async def run(self, learn: Callable[[list[StationRecord]], Awaitable[None]]) -> None:
        """Try a failed store again, until cancelled; `learn` hears of the rows when it is back."""
        while True:
            await asyncio.sleep(RETRY_EVERY_S)
            if self.problem is not None:
                await self.retry(learn)

    async def retry(self, learn: Callable[[list[StationRecord]], Awaitable[None]]) -> None:
        """Open, read, write what was kept: the rows on disk know longer than this process who came first."""
        try:
            rows = {row.key: row for row in await self._open_and_read()}
            written = 0
            while self._unsaved:
                written += await self._write_kept(rows)
        except (StoreFailed, StoreRefused) as failure:
            self._failed(failure, "still without a store")
            return
        self._begun_anew.clear()
        self.problem = None
        self.notes.say("store_recovered", f"the store works again, {written} rows that waited are written")
        await learn(list(rows.values()))

    async def _write_kept(self, rows: dict[str, StationRecord]) -> int:
        """Write what is kept now, and bring `rows` up to it; more may be kept meanwhile. Returns how many it were."""
        waiting = dict(self._unsaved)
        kept = [self._merged(change, rows) for change in waiting.values()]
        await self.store.commit(kept)
        for row, change in waiting.items():
            if self._unsaved[row] is change:
                del self._unsaved[row]
        for change in kept:
            match change:
                case SavedStation(record):
                    rows[record.key] = record
                case ForgottenStation(key):
                    rows.pop(key, None)
        return len(kept)

    async def _open_and_read(self) -> list[StationRecord]:
        await self.store.open()
        rows = await self.store.stations()
        self.read = True
        return rows

    def _keep(self, changes: Sequence[Change]) -> None:
        self._unsaved.update((change.row, change) for change in changes)
        self._begun_anew |= {change.row for change in changes if isinstance(change, ForgottenStation)}

    def _merged(self, change: Change, rows: Mapping[str, StationRecord]) -> Change:
        """What this process learnt of a station, under the name and the history that stand on disk."""
        if not isinstance(change, SavedStation) or change.row in self._begun_anew:
            return change
        later, row = change.record, rows.get(change.record.key)
        if row is None:
            return change
        accepted = {**later.accepted, **row.accepted}
        return SavedStation(
            replace(
                later.known_by(row.standing),
                identity=row.identity,
                slug=row.slug,
                first_seen=row.first_seen,
                accepted=accepted,
                connectors=later.connectors | row.connectors,
            )
        )

    def _failed(self, failure: Exception, consequence: str) -> None:
        self.problem = str(failure)
        self.notes.say("store_failed", f"{consequence}: {failure}", Level.ERROR)
