"""The power goes at any instant: the store comes back with everything that was committed, and with nothing half done.

The store writes through a recording disk. For each of many instants its files are put together as a card may hold them
then, and opened by the store as after a power cut.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.adapters.sqlite_store import SqliteStore
from gateway.adapters.sqlite_store.database import open_database
from gateway.core.clock_trust import TimeSample, Trust, TrustRecord
from gateway.core.energy import Energy
from gateway.core.memory import ChargerRecord, ConnectorRecord, Durable, FaultRecord, Memory, Phase, SessionRecord
from gateway.core.record import StationRecord
from gateway.core.reports import BootReported, StatusReported
from gateway.runtime.ports import Change, ForgottenStation, Remembered, Retention, SavedStation, SavedTrust
from tests import counts
from tests.fakes.memory_store import Disk, MemoryStore
from tests.support.power import Entry, Mark, RecordingDisk, Synced, Written, power_cuts

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST_NUMBER = int(NOON.timestamp())
SHARE = 250
"""Cuts of one life; the next ones are those of another history of the store."""

SHORT_LOG = "wal_autocheckpoint = 100"
"""The log is moved into the file every 100 pages, not every 4000: more happens in a short life."""

Connect = Callable[[Path], sqlite3.Connection]


def store_with(*pragmas: str) -> Connect:
    """The store's own connection, with some of its settings changed."""

    def connect(path: Path) -> sqlite3.Connection:
        connection = open_database(path)
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    return connect


@dataclass(frozen=True)
class Seen:
    """All that a store tells, and each row that it keeps."""

    stations: list[StationRecord]
    memories: dict[str, Memory]
    trust: TrustRecord | None
    rows: frozenset[tuple[str, int]]
    tag_key: bytes | None


@dataclass
class Life:
    """A history: what the disk did, and what the store is to hold after each commit, by number of commits."""

    dice: random.Random
    connect: Connect = field(default_factory=lambda: store_with(SHORT_LOG))
    disk: RecordingDisk = field(default_factory=RecordingDisk)
    model: MemoryStore = field(default_factory=MemoryStore)
    states: list[Disk] = field(default_factory=lambda: [Disk()])
    tag_key: bytes | None = None
    number: int = FIRST_NUMBER

    async def run(self, path: Path) -> None:
        with self.disk.in_use():
            for restart in range(3):
                store = SqliteStore(path, connect=self.connect)
                await store.open()
                self.tag_key = await store.tag_key()
                for _ in range(15):
                    await self._commit(store)
                if restart:
                    await self._tidy(store)
                await self._busy(store)
                await store.close()

    async def _commit(self, store: SqliteStore) -> None:
        """Some commits at once, each of some changes."""
        commits = [[self._change() for _ in range(self.dice.choice((1, 1, 2, 5)))] for _ in range(self._few())]
        await self._all(store, commits)

    async def _busy(self, store: SqliteStore) -> None:
        """A bad hour of a large site: the log fills, is moved into the file, and begins anew."""
        before = self.disk.written_bytes(".db")
        while self.disk.written_bytes(".db") == before:
            burst = [Remembered(f"cp{number}", self._connector(number % 3)) for number in range(60)]
            await self._all(store, [burst])
        for _ in range(5):
            await self._commit(store)

    async def _all(self, store: SqliteStore, commits: Sequence[Sequence[Change]]) -> None:
        for commit in commits:
            await self.model.commit(commit)
            self._keep()
        self.disk.mark("begun", len(self.states) - 1)
        await asyncio.gather(*(store.commit(commit) for commit in commits))
        self.disk.mark("done", len(self.states) - 1)

    async def _tidy(self, store: SqliteStore) -> None:
        before = Retention(NOON + timedelta(seconds=40), NOON + timedelta(seconds=40), quota_bytes=10**9)
        gone = await self.model.tidy(before)
        self._keep()
        self.disk.mark("begun", len(self.states) - 1)
        assert await store.tidy(before) == gone
        self.disk.mark("done", len(self.states) - 1)

    def _keep(self) -> None:
        kept = Disk()
        kept.update(self.model.disk)
        kept.remembered, kept.trust = dict(self.model.disk.remembered), self.model.disk.trust
        self.states.append(kept)

    def _few(self) -> int:
        return self.dice.choice((1, 1, 1, 4))

    def _change(self) -> Change:
        key = f"cp{self.dice.randrange(12)}"
        match self.dice.randrange(10):
            case 0:
                return SavedStation(StationRecord(key.upper(), key, NOON, credential_hash=self._word()))
            case 1:
                return SavedTrust(TrustRecord("boot", Trust.SYNCED, TimeSample(self._word(), NOON, 1.0, 0.0)))
            case 2 if self.dice.random() < 0.3:
                return ForgottenStation(key)
            case _:
                return Remembered(key, self._record())

    def _record(self) -> Durable:
        self.number += 1
        number = self.dice.choice((self.number, self.number - 20))
        ended = self.dice.choice((None, NOON + timedelta(seconds=self.dice.randrange(60))))
        match self.dice.randrange(4):
            case 0:
                return ChargerRecord(BootReported(self._word(), "Model"), heartbeat_s=number)
            case 1:
                return self._connector(self.dice.randrange(3))
            case 2:
                return replace(
                    FaultRecord(number, 1, "OtherError", None, None, self._word(), "warning", NOON, NOON),
                    cleared=ended,
                )
        phases = tuple(Phase(self._word(), NOON, 1.5) for _ in range(self.dice.choice((0, 2, 20))))
        revision = int(ended is not None)
        return SessionRecord(number, 1, Energy(start_wh=number), ended=ended, revision=revision, phases=phases)

    def _connector(self, connector_id: int) -> ConnectorRecord:
        return ConnectorRecord(StatusReported(connector_id, "Charging", info=self._word()), "charging", NOON)

    def _word(self) -> str:
        """Of any length, up to more than a page."""
        return f"{self.dice.randrange(10**6):06}" * self.dice.choice((1, 1, 1, 10, 500))


@dataclass
class Verdict:
    """What was found after the power cuts of a life."""

    cuts: int = 0
    lost: int = 0
    """A commit that had returned was missing, or one was half there."""
    damaged: int = 0


async def after_power_cuts(life: Life, folder: Path, points: Iterable[int]) -> Verdict:
    """Cut the power at these instants of the life, start again, and look."""
    verdict = Verdict()
    judge = Judge(life)
    for point, files in power_cuts(life.disk.entries, points, life.dice):
        for file in folder.iterdir():
            file.unlink()
        (folder / "evgate.db").touch()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        found = await look(folder / "evgate.db")
        verdict.cuts += 1
        if found is None:
            verdict.damaged += 1
        elif not await judge.allows(found, life.disk.entries[:point]):
            verdict.lost += 1
    return verdict


async def look(path: Path) -> Seen | None:
    """What the store finds, None if the file was damaged. It takes new commits, too."""
    store = SqliteStore(path)
    try:
        await store.open()
        if store.set_aside is not None:
            return None
        with closing(sqlite3.connect(path)) as database:
            if database.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                return None
            kept = [
                (f"{kind} {number} {key}", revision)
                for kind, table, column in (("fault", "faults", "cleared IS NULL"), ("session", "sessions", "revision"))
                for number, key, revision in database.execute(f"SELECT number, key, {column} FROM {table}")  # noqa: S608
            ]
        seen = Seen(
            await store.stations(), await store.memories(), await store.trust(), frozenset(kept), await store.tag_key()
        )
        await store.commit([SavedStation(StationRecord("after", "after", NOON))])
        return seen
    finally:
        await store.close()


class Judge:
    """Knows what may be there after a cut: the state after every commit that returned, or after later ones."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._known: dict[int, Seen] = {}

    async def allows(self, found: Seen, before: Sequence[Entry]) -> bool:
        begun, done = (
            max((entry.count for entry in before if isinstance(entry, Mark) and entry.what == what), default=0)
            for what in ("begun", "done")
        )
        if done and found.tag_key != self._life.tag_key:
            return False
        found = replace(found, tag_key=None)
        for count in range(done, begun + 1):
            if found == await self._after(count):
                return True
        return False

    async def _after(self, count: int) -> Seen:
        """What is to be seen after so many commits."""
        if count not in self._known:
            state = self._life.states[count]
            store = MemoryStore(state)
            self._known[count] = Seen(
                await store.stations(), await store.memories(), await store.trust(), frozenset(_rows(state)), None
            )
        return self._known[count]


def _rows(state: Disk) -> Iterable[tuple[str, int]]:
    for row, change in state.remembered.items():
        match change.record:
            case FaultRecord(cleared=cleared):
                yield row, int(cleared is None)
            case SessionRecord(revision=revision):
                yield row, revision


@pytest.mark.parametrize("number", range(counts.CRASH_POINTS // SHARE))
async def test_what_was_committed_survives_a_power_cut_at_any_instant(tmp_path: Path, number: int) -> None:
    life = Life(counts.dice(f"power/{number}"))
    await life.run(tmp_path / "evgate.db")
    points = life.dice.choices(range(len(life.disk.entries) + 1), k=SHARE)
    verdict = await after_power_cuts(life, tmp_path, points)
    print(f"figures: power cuts: {verdict.cuts} of a life of {len(life.states) - 1} commits: {verdict}")
    assert verdict == Verdict(cuts=SHARE)


async def test_a_journal_that_comes_back_while_the_store_is_made_does_no_harm(tmp_path: Path) -> None:
    """The log is begun, and that the journal was deleted did not reach the disk: SQLite takes back what it began."""
    disk = RecordingDisk()
    with disk.in_use():
        store = SqliteStore(tmp_path / "made.db")
        await store.open()
        await store.close()
    files: dict[str, bytearray] = {}
    for entry in disk.entries:
        if isinstance(entry, Synced) and entry.file.endswith("-wal"):
            break
        if isinstance(entry, Written):
            content = files.setdefault(entry.file.replace("made", "evgate"), bytearray())
            content[entry.offset : entry.offset + len(entry.data)] = entry.data
    assert sorted(files) == ["evgate.db", "evgate.db-journal", "evgate.db-wal"]
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    found = await look(tmp_path / "evgate.db")
    assert found is not None
    assert (found.stations, found.memories) == ([], {})


@pytest.mark.parametrize("synchronous", ["NORMAL", "OFF"])
async def test_a_store_that_syncs_less_is_found_out(tmp_path: Path, synchronous: str) -> None:
    """The harness itself: it finds what is lost without the sync of each commit, and what breaks without any."""
    life = Life(counts.dice("power/weakened"), store_with(SHORT_LOG, f"synchronous = {synchronous}"))
    await life.run(tmp_path / "evgate.db")
    points = life.dice.choices(range(len(life.disk.entries) + 1), k=100)
    verdict = await after_power_cuts(life, tmp_path, points)
    print(f"figures: power cuts with synchronous = {synchronous}: {verdict}")
    assert verdict.lost > 10
    if synchronous == "NORMAL":
        assert verdict.damaged == 0
