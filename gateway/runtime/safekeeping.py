"""The store in service: what cannot be written now is kept and written later, and charging never waits for it twice.

A store that fails does not stop the gateway: the relay needs nothing of it while upstream is live.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol

from gateway.core.effects import Level
from gateway.core.memory import Memory
from gateway.core.moment import Moment
from gateway.core.record import StationRecord
from gateway.core.tags import Tags
from gateway.runtime.notes import Notes
from gateway.runtime.ports import (
    Change,
    ForgottenStation,
    Remembered,
    Retention,
    SavedStation,
    Store,
    StoreFailed,
    StoreRefused,
)

RETRY_EVERY_S = 60.0
"""A disk that was full or unplugged is noticed within a minute; more often would only fill the log."""


TIDY_EVERY_S = 86_400.0
"""What is kept for a month or a year need not go to the hour; once a minute would keep the card busy."""

KEEP_SESSIONS = timedelta(days=400)
"""A year's bill can be checked after the year is over."""

KEEP_FAULTS = timedelta(days=30)
"""Whoever repairs a charger asks for the last weeks."""

QUOTA_BYTES = 200 * 1024 * 1024
"""Of everything together: little on the smallest card, and years of a large site."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What stands in the store: the stations, and what is remembered of each by its key."""

    stations: list[StationRecord]
    memories: Mapping[str, Memory]


class Known(Protocol):
    """Those who know what the store should hold."""

    async def learn(self, kept: Kept) -> None:
        """This stands in the store."""

    def everything(self) -> list[Change]:
        """All that is known, as changes."""


@dataclass(slots=True)
class Safekeeping:
    """One for all stations. `problem` is None while the store works, else what is wrong and what to do."""

    store: Store
    notes: Notes
    tags: Tags = field(default_factory=Tags)
    """They are hashed with the key that stands in the store."""
    quota_bytes: int = QUOTA_BYTES
    changed: Callable[[], None] = lambda: None
    """Called when the store begins to fail, and when it works again."""
    problem: str | None = None
    read: bool = False
    """Have the rows been read? Before that nobody can tell a stranger from a charger that was let in before."""
    _unsaved: dict[str, Change] = field(default_factory=dict)
    _tidied_at: float = 0.0
    _aside: str | None = None
    """The damaged store of which everybody knows."""
    _begun_anew: dict[str, ForgottenStation] = field(default_factory=dict)
    """Stations that were to be forgotten, by row: whatever stands of them on disk is nobody's history any more."""

    async def begin(self) -> Kept:
        """Open the store and read every row; none where it fails, and the daemon serves without."""
        try:
            kept = await self._open_and_read()
        except (StoreFailed, StoreRefused) as failure:
            self._failed(failure, "running without a store, no charger is known from before")
            return Kept([], {})
        self._aside = self.store.set_aside
        self._tell_set_aside()
        return kept

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

    async def run(self, known: Known) -> None:
        """Try a failed store again, and tidy up once a day; until cancelled."""
        tidied = False
        while True:
            await asyncio.sleep(RETRY_EVERY_S)
            if self.problem is not None:
                await self.retry(known)
            now = self.notes.clock.now()
            due = now.monotonic - self._tidied_at >= TIDY_EVERY_S if tidied else True
            if due and self.problem is None:
                tidied = True
                await self.tidy(now)

    async def tidy(self, now: Moment) -> None:
        """Delete what nobody keeps any longer."""
        self._tidied_at = now.monotonic
        before = Retention(now.wall - KEEP_SESSIONS, now.wall - KEEP_FAULTS, self.quota_bytes)
        try:
            gone = await self.store.tidy(before)
        except StoreFailed as failure:
            self._failed(failure, "old records were not deleted")
            return
        if gone:
            self.notes.say("store_tidied", f"{gone} old sessions and faults were deleted from the store")

    async def retry(self, known: Known) -> None:
        """Open, read, write what was kept: the rows on disk know longer than this process who came first."""
        read_before = self.read
        try:
            kept = await self._open_and_read()
            rows = {row.key: row for row in kept.stations}
            if self.store.set_aside != self._aside:
                # The fresh store knows nothing at all: what this process knows is written, not only what changed.
                self._keep([change for change in known.everything() if change.row not in self._unsaved])
            memories = dict(kept.memories)
            written = 0
            while self._unsaved:
                written += await self._write_kept(rows, memories)
        except (StoreFailed, StoreRefused) as failure:
            self._failed(failure, "still without a store")
            return
        self.problem = None
        self._aside = self.store.set_aside
        self.notes.say("store_recovered", f"the store works again, {written} rows that waited are written")
        self._tell_set_aside()
        self.changed()
        # Who has read it once knows all that stood there, and better: what ended meanwhile would go on again.
        await known.learn(Kept(list(rows.values()), {} if read_before else memories))

    async def _write_kept(self, rows: dict[str, StationRecord], memories: dict[str, Memory]) -> int:
        """Write what is kept now, and bring `rows` up to it; more may be kept meanwhile. Returns how many it were.

        Of those who were forgotten nothing is left in `memories`.
        """
        waiting, begun_anew = dict(self._unsaved), dict(self._begun_anew)
        kept = [self._merged(change, rows) for change in waiting.values()]
        # Whoever was forgotten and came back begins without a past.
        await self.store.commit([*begun_anew.values(), *kept])
        for row, forgotten in begun_anew.items():
            memories.pop(forgotten.key, None)
            if self._begun_anew[row] is forgotten:
                del self._begun_anew[row]
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

    async def _open_and_read(self) -> Kept:
        await self.store.open()
        kept = Kept(await self.store.stations(), await self.store.memories())
        self.tags.key = await self.store.tag_key()
        self.read = True
        return kept

    def _keep(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if isinstance(change, ForgottenStation):
                self._begun_anew[change.row] = change
                gone = [row for row, kept in self._unsaved.items() if _is_of(kept, change.key)]
                for row in gone:
                    del self._unsaved[row]
            self._unsaved[change.row] = change

    @property
    def damage(self) -> str | None:
        """What became of a damaged store, and what to do; None where none was met since the start."""
        if self.store.set_aside is None:
            return None
        return (
            f"the store was damaged and was begun anew; the damaged one is kept as {self.store.set_aside}: keep that "
            "file if sessions of before matter, and replace the card if it happens again"
        )

    def _tell_set_aside(self) -> None:
        if self.damage is not None:
            self.notes.say("store_set_aside", self.damage, Level.ERROR)

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
        self.changed()


def _is_of(change: Change, key: str) -> bool:
    match change:
        case SavedStation(record):
            return record.key == key
        case Remembered(of) | ForgottenStation(of):
            return of == key
        case _:
            return False
