"""The store in service: what cannot be written now is kept and written later, and charging never waits for it twice.

A store that fails does not stop the gateway: the relay needs nothing of it while upstream is live.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Protocol

from gateway.core.effects import Level
from gateway.core.memory import FaultRecord, Memory
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

PORTION = 500
"""Rows in one commit of those that waited: far less than the 10 s that the store has for it, on the slowest card."""

MOST_UNSAVED = 10_000
"""Rows that wait in memory, some 10 MB: a day of a large site. Beyond it faults that are over go, the oldest first."""

LONG_AGO = datetime.min.replace(tzinfo=UTC)
"""Before this nothing ended: no record is too old."""


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
    may_tidy: Callable[[], bool] = lambda: True
    """Is the time good enough to call a record old? A clock that was set wrong would make all of them go."""
    problem: str | None = None
    read: bool = False
    """Have the rows been read? Before that nobody can tell a stranger from a charger that was let in before."""
    _unsaved: dict[str, Change] = field(default_factory=dict)
    _tidied_at: float | None = None
    _tidied_by_age: bool = False
    _begun_anew: dict[str, ForgottenStation] = field(default_factory=dict)
    """Stations that were to be forgotten, by row: whatever stands of them on disk is nobody's history any more."""

    async def begin(self) -> Kept:
        """Open the store and read every row; none where it fails, and the daemon serves without."""
        try:
            kept = await self._open_and_read()
        except (StoreFailed, StoreRefused) as failure:
            self._failed(failure, "running without a store, no charger is known from before")
            return Kept([], {})
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
        while True:
            await asyncio.sleep(RETRY_EVERY_S)
            if self.problem is not None:
                await self.retry(known)
            now = self.notes.clock.now()
            if self.problem is None and self.is_due(now):
                await self.tidy(now)

    async def tidy(self, now: Moment) -> None:
        """Delete what nobody keeps any longer: by age only while the clock may be believed, by space always."""
        self._tidied_at, self._tidied_by_age = now.monotonic, self.may_tidy()
        oldest = (now.wall - KEEP_SESSIONS, now.wall - KEEP_FAULTS) if self._tidied_by_age else (LONG_AGO, LONG_AGO)
        try:
            gone = await self.store.tidy(Retention(*oldest, self.quota_bytes))
        except StoreFailed as failure:
            self._failed(failure, "old records were not deleted")
            return
        if gone:
            self.notes.say("store_tidied", f"{gone} old sessions and faults were deleted from the store")

    def is_due(self, now: Moment) -> bool:
        """Once a day, and as soon as the clock is believed."""
        if self._tidied_at is None or now.monotonic - self._tidied_at >= TIDY_EVERY_S:
            return True
        return not self._tidied_by_age and self.may_tidy()

    async def retry(self, known: Known) -> None:
        """Open, read, write what was kept: the rows on disk know longer than this process who came first."""
        read_before = self.read
        try:
            kept = await self._open_and_read()
            rows = {row.key: row for row in kept.stations}
            waited = len(self._unsaved)
            if read_before:
                # It may be a fresh store, which knows nothing at all. What stands there already is not written again.
                self._keep([change for change in known.everything() if change.row not in self._unsaved])
            memories = dict(kept.memories)
            while self._unsaved:
                await self._write_kept(rows, memories)
        except (StoreFailed, StoreRefused) as failure:
            self._failed(failure, "still without a store")
            return
        self.problem = None
        self.notes.say("store_recovered", f"the store works again, {waited} rows that waited are written")
        self._tell_set_aside()
        self.changed()
        # Who has read it once knows all that stood there, and better: what ended meanwhile would go on again.
        await known.learn(Kept(list(rows.values()), {} if read_before else memories))

    async def _write_kept(self, rows: dict[str, StationRecord], memories: dict[str, Memory]) -> None:
        """Write a portion of what is kept, and bring `rows` up to it.

        Of those who were forgotten nothing is left in `memories`.
        """
        waiting, begun_anew = self._portion(), dict(self._begun_anew)
        kept = [self._merged(change, rows) for change in waiting.values()]
        # Whoever was forgotten and came back begins without a past.
        await self.store.commit([*begun_anew.values(), *kept])
        for row, forgotten in begun_anew.items():
            memories.pop(forgotten.key, None)
            rows.pop(forgotten.key, None)
            if self._begun_anew[row] is forgotten:
                del self._begun_anew[row]
        for row, change in waiting.items():
            if self._unsaved.get(row) is change:
                del self._unsaved[row]
        for change in kept:
            match change:
                case SavedStation(record):
                    rows[record.key] = record
                case ForgottenStation(key):
                    rows.pop(key, None)

    def _portion(self) -> dict[str, Change]:
        """Rows for one commit. Those of one station go together, as they were told: its session with its connector."""
        of_one: dict[str | None, dict[str, Change]] = {}
        for row, change in self._unsaved.items():
            of_one.setdefault(_key_of(change), {})[row] = change
        portion: dict[str, Change] = {}
        for theirs in of_one.values():
            if portion and len(portion) + len(theirs) > PORTION:
                break
            portion.update(theirs)
        return dict(islice(portion.items(), PORTION))

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
                gone = [row for row, kept in self._unsaved.items() if _key_of(kept) == change.key]
                for row in gone:
                    del self._unsaved[row]
            self._unsaved[change.row] = change
        self._shed()

    def _shed(self) -> None:
        """Of too many rows that wait, those of faults that are over go; never a session, connector or station."""
        over = (row for row, change in self._unsaved.items() if _is_over(change))
        for row in list(islice(over, max(0, len(self._unsaved) - MOST_UNSAVED))):
            del self._unsaved[row]
            text = f"more than {MOST_UNSAVED} records wait for the store: the oldest faults that are over are dropped"
            self.notes.say("fault_record_dropped", text, Level.WARNING)

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


def _key_of(change: Change) -> str | None:
    """Whose row it is, None for those of no station."""
    match change:
        case SavedStation(record):
            return record.key
        case Remembered(key) | ForgottenStation(key):
            return key
        case _:
            return None


def _is_over(change: Change) -> bool:
    """Is it a fault that was cleared?"""
    match change:
        case Remembered(_, FaultRecord(cleared=cleared)):
            return cleared is not None
        case _:
            return False
