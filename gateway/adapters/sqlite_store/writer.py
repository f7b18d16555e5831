"""The one thread that owns the connection. What waits together shares one transaction, and so one sync."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from gateway.adapters.sqlite_store.aside import Damaged, set_aside
from gateway.adapters.sqlite_store.failures import DAMAGED, failed, primary_code
from gateway.runtime.ports import StoreFailed

# After these the connection is as good as before; after all others it is opened anew.
_PASSING = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_FULL)


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Work inside a transaction, and who waits for its result. If nobody waits any more it is not begun."""

    work: Callable[[sqlite3.Connection], Any]
    waiter: asyncio.Future[Any]
    writes: bool

    @property
    def abandoned(self) -> bool:
        """Nobody waits any more."""
        return self.waiter.cancelled()

    def succeed(self, result: object) -> None:
        """From the thread: the waiter gets this result."""
        _tell(self.waiter, self.waiter.set_result, result)

    def fail(self, failure: Exception) -> None:
        """From the thread: the waiter raises this."""
        _tell(self.waiter, self.waiter.set_exception, failure)


class Writer:
    """Takes jobs in order, opens the database when a job needs it, and opens it again after a failure."""

    def __init__(self, path: Path, connect: Callable[[Path], sqlite3.Connection]) -> None:
        self._path = path
        self._connect = connect
        self.set_aside: str | None = None
        """Where a damaged database was put."""
        self.size_bytes: int | None = None
        """Measured by the thread: a disk that hangs must not hold up the event loop."""
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._damage: str | None = None
        """What SQLite found in this file while it was in use."""
        self._gone: asyncio.Future[None]
        # A daemon: a sync that hangs in the kernel must not keep the process from ending.
        self._thread = Thread(target=self._run, name="evgate-store", daemon=True)

    def put(self, job: Job) -> None:
        """Queue a job; the first one starts the thread."""
        if self._thread.ident is None:
            self._thread.start()
        self._jobs.put(job)

    def finish(self) -> asyncio.Future[None]:
        """Do what is queued, let go of the file, end; then the future is done. Put nothing afterwards."""
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._thread.ident is None:
            gone.set_result(None)
        self._gone = gone
        self._jobs.put(None)
        return gone

    def _run(self) -> None:
        ended = False
        while not ended:
            waiting = self._take()
            ended = waiting[-1] is None
            jobs = [job for job in waiting if job is not None]
            for writes, together in groupby(jobs, key=lambda job: job.writes):
                if writes:
                    self._perform(list(together))
                else:
                    for job in together:
                        self._perform([job])
        self._let_go()
        _tell(self._gone, self._gone.set_result, None)

    def _take(self) -> list[Job | None]:
        """Everything that waits, at least one; what comes during a sync waits for the next turn."""
        jobs = [self._jobs.get()]
        with suppress(Empty):
            while jobs[-1] is not None:
                jobs.append(self._jobs.get_nowait())
        return jobs

    def _perform(self, jobs: list[Job]) -> None:
        """One transaction for all; if it fails, one for each, so that only the guilty one hears of it."""
        jobs = [job for job in jobs if not job.abandoned]
        if not jobs:
            return
        begun = False
        try:
            connection = self._ready()
            connection.execute("BEGIN IMMEDIATE" if jobs[0].writes else "BEGIN")
            begun = True
            results = [job.work(connection) for job in jobs]
            connection.execute("COMMIT")
            self.size_bytes = _size(self._path)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait raise it; the thread goes on
            failure = self._undo(error)
            if begun and len(jobs) > 1:
                for job in jobs:
                    self._perform([job])
            else:
                for job in jobs:
                    job.fail(failure)
        else:
            for job, result in zip(jobs, results, strict=True):
                job.succeed(result)

    def _ready(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._open()
            self._file = _identity(self._path)
        elif _identity(self._path) != self._file:
            raise StoreFailed(
                f"The store {self._path} was removed or replaced while evgate was running. "
                "evgate writes what it knows to the file that stands there now, or to a fresh one, within a minute; "
                "if sessions of before matter, stop evgate and put the old file back."
            )
        return self._connection

    def _open(self) -> sqlite3.Connection:
        """The database; a damaged one makes place for a fresh one, because chargers go on charging."""
        try:
            if self._damage is not None and _identity(self._path) == self._file:
                raise Damaged(self._damage)
            return self._connect(self._path)
        except Damaged as damage:
            try:
                self.set_aside = str(set_aside(self._path, str(damage)))
                self._damage = None
                return self._connect(self._path)
            except (Damaged, OSError) as error:
                raise StoreFailed(
                    f"The store {self._path} is damaged ({damage}), and a fresh one cannot be begun ({error}). "
                    "Look for disk errors in `dmesg`, replace a failing card, and move the file away if evgate may not."
                ) from error

    def _undo(self, error: Exception) -> Exception:
        """Leave no transaction open; what to tell those who wait."""
        if not isinstance(error, sqlite3.Error):
            self._let_go()
            return error
        failure = failed(error, self._path)
        if primary_code(error) in DAMAGED:
            self._damage = str(error)
        if self._connection is not None and primary_code(error) in _PASSING:
            with suppress(sqlite3.Error):
                self._connection.rollback()
                return failure
        self._let_go()
        return failure

    def _let_go(self) -> None:
        """Close the file, which rolls back what is open; the next job opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _tell(waiter: asyncio.Future[Any], settle: Callable[[Any], None], outcome: object) -> None:
    def in_loop() -> None:
        if not waiter.done():
            settle(outcome)

    try:
        waiter.get_loop().call_soon_threadsafe(in_loop)
    except RuntimeError:
        return  # the loop is closed: the process ends, and this came too late for anyone


def _size(path: Path) -> int:
    """Bytes of the file and of its write-ahead log."""
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file stands there, None if none does."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
