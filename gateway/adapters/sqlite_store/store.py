"""The `Store` port on SQLite, as the event loop sees it: every call is a job for the writer thread."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar, assert_never

from gateway.adapters.sqlite_store import retention
from gateway.adapters.sqlite_store.clock import load_trust, save_trust
from gateway.adapters.sqlite_store.database import open_database
from gateway.adapters.sqlite_store.memories import forget, load_memories, load_tag_key, remember
from gateway.adapters.sqlite_store.stations import forget_station, load_stations, save_station
from gateway.adapters.sqlite_store.writer import Job, Writer
from gateway.core.clock_trust import TrustRecord
from gateway.core.memory import Memory
from gateway.core.record import StationRecord
from gateway.runtime.ports import (
    Change,
    ForgottenStation,
    Remembered,
    Retention,
    SavedStation,
    SavedTrust,
    StoreFailed,
    StoreRefused,
)

T = TypeVar("T")

ANSWER_LIMIT_S = 10.0
"""A store that takes longer counts as failed: the charger that waits for its answer gives up soon after."""

OPEN_LIMIT_S = 60.0
"""Opening reads every page: about ten seconds for 200 MB on a slow card. A service start may take 90 s."""

CLOSE_LIMIT_S = 3.0
"""The daemon has 5 s to end after SIGTERM, and this is not all that it does."""

log = logging.getLogger(__name__)


class SqliteStore:
    """Durable state in one SQLite file; all commits that wait share one transaction and its sync.

    After a failure the next call opens the file again; how often to try is the caller's choice.
    """

    def __init__(
        self,
        path: Path,
        *,
        limit_s: float = ANSWER_LIMIT_S,
        connect: Callable[[Path], sqlite3.Connection] = open_database,
    ) -> None:
        self._path = path
        self._limit_s = limit_s
        self._writer = Writer(path, connect)
        self._closed = False

    async def open(self) -> None:
        """Create or migrate, see that it can be written, be ready. Raises StoreFailed or StoreRefused."""
        await self._ask(_nothing, OPEN_LIMIT_S, writes=True)

    async def commit(self, changes: Sequence[Change]) -> None:
        """Return when the changes survive a power cut (none: when the store works). Raises StoreFailed.

        After 10 s the store counts as failed. A commit still in the queue is then dropped. One that had begun
        may yet come to stand; so it is when the caller is cancelled. That does no harm: commits keep their
        order, each change is a whole row, and the next commit of that row replaces it.
        """
        kept = tuple(changes)

        def save(connection: sqlite3.Connection) -> None:
            for change in kept:
                _save(connection, change)

        await self._do(save, writes=True)

    async def stations(self) -> list[StationRecord]:
        """Every station ever let in, in the order first seen. Raises StoreFailed."""
        return await self._do(load_stations)

    async def memories(self) -> dict[str, Memory]:
        """What is remembered of each station, by identity key. Raises StoreFailed."""
        return await self._do(load_memories)

    async def tag_key(self) -> bytes:
        """32 random bytes, drawn when the database was made. Raises StoreFailed."""
        return await self._do(load_tag_key)

    async def tidy(self, before: Retention) -> int:
        """Delete what nobody keeps any longer, in small transactions with commits in between. Raises StoreFailed."""
        gone = 0
        for drop in (retention.drop_expired, retention.drop_oldest):
            while dropped := await self._do(partial(drop, before=before), writes=True):
                gone += dropped
        return gone

    async def trust(self) -> TrustRecord | None:
        """What was last known of the clock, of whatever boot; None if nothing was. Raises StoreFailed."""
        return await self._do(load_trust)

    @property
    def set_aside(self) -> str | None:
        """Where a damaged database was put when a fresh one was begun; None if none was since this object was made."""
        return self._writer.set_aside

    @property
    def size_bytes(self) -> int | None:
        """The file and its log, as of the last commit."""
        return self._writer.size_bytes

    async def close(self) -> None:
        """Finish what waits, for at most 3 s, then let go of the file. Safe to call twice; never raises."""
        if self._closed:
            return
        self._closed = True
        limit_s = min(CLOSE_LIMIT_S, self._limit_s)
        done, _ = await asyncio.wait({self._writer.finish()}, timeout=limit_s)
        if not done:
            log.warning(
                "The store %s did not finish within %g s, and changes that wait in it are lost. "
                "Look for disk errors in `dmesg`.",
                self._path,
                limit_s,
            )

    async def _do(self, work: Callable[[sqlite3.Connection], T], *, writes: bool = False) -> T:
        try:
            return await self._ask(work, self._limit_s, writes=writes)
        except StoreRefused as refusal:
            raise StoreFailed(str(refusal)) from refusal

    async def _ask(self, work: Callable[[sqlite3.Connection], T], limit_s: float, *, writes: bool) -> T:
        if self._closed:
            raise StoreFailed("The store is closed, because evgate is stopping. Start evgate again.")
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._writer.put(Job(work, waiter, writes))
        try:
            async with asyncio.timeout(limit_s):
                return await waiter
        except TimeoutError:
            raise StoreFailed(
                f"The store {self._path} did not answer within {limit_s:g} s. Look for disk errors in "
                f"`dmesg`, and with `fuser -v {self._path}` for a program that keeps it locked; replace a "
                "failing card."
            ) from None


def _save(connection: sqlite3.Connection, change: Change) -> None:
    match change:
        case SavedStation(record):
            save_station(connection, record)
        case ForgottenStation(key):
            forget_station(connection, key)
            forget(connection, key)
        case Remembered(key, record):
            remember(connection, key, record)
        case SavedTrust(record):
            save_trust(connection, record)
        case _:
            assert_never(change)


def _nothing(_connection: sqlite3.Connection) -> None:
    """No change: the transaction around it is the proof that the file can be written."""
