"""A disk that fails in service: every commit says so, and recording resumes when it is back."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.adapters.sqlite_store import SqliteStore
from gateway.core.memory import ConnectorRecord, Memory
from gateway.core.reports import StatusReported
from gateway.runtime.ports import Remembered, SavedStation, StoreFailed
from tests.adapters.store_files import CP01, NOON
from tests.support.power import RecordingDisk

FAILURES = {
    sqlite3.SQLITE_IOERR_WRITE: "did not read or write",
    sqlite3.SQLITE_IOERR_FSYNC: "did not read or write",
    sqlite3.SQLITE_READONLY: "read but not written",
    sqlite3.SQLITE_FULL: "The disk is full",
}


def connector(connector_id: int, status: str) -> ConnectorRecord:
    return ConnectorRecord(StatusReported(connector_id, status), "x", NOON)


@pytest.fixture
def disk() -> RecordingDisk:
    return RecordingDisk()


@pytest.fixture
async def store(disk: RecordingDisk, tmp_path: Path) -> AsyncIterator[SqliteStore]:
    with disk.in_use():
        opened = SqliteStore(tmp_path / "evgate.db")
        await opened.open()
        yield opened
        await opened.close()


@pytest.mark.parametrize("failure", FAILURES)
async def test_recording_resumes_when_the_disk_is_back(store: SqliteStore, disk: RecordingDisk, failure: int) -> None:
    await store.commit([SavedStation(CP01), Remembered("cp01", connector(1, "Charging"))])
    disk.failure = failure
    for _ in range(3):
        with pytest.raises(StoreFailed, match=FAILURES[failure]):
            await store.commit([Remembered("cp01", connector(1, "Finishing")), Remembered("cp01", connector(2, "x"))])
    disk.failure = None
    assert await store.memories() == {"cp01": Memory(connectors=(connector(1, "Charging"),))}
    await store.commit([Remembered("cp01", connector(1, "Available"))])
    assert await store.memories() == {"cp01": Memory(connectors=(connector(1, "Available"),))}
    assert await store.stations() == [CP01]
    assert store.set_aside is None


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_store_that_is_opened_on_a_failing_disk_is_opened_later(
    disk: RecordingDisk, tmp_path: Path, failure: int
) -> None:
    with disk.in_use():
        store = SqliteStore(tmp_path / "evgate.db")
        disk.failure = failure
        with pytest.raises(StoreFailed, match=FAILURES[failure]):
            await store.open()
        disk.failure = None
        await store.open()
        await store.commit([Remembered("cp01", connector(1, "Charging"))])
        assert await store.memories() == {"cp01": Memory(connectors=(connector(1, "Charging"),))}
        await store.close()
