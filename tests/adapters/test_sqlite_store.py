"""The SQLite store in service: shared commits, slow and failing disks, processes that die."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.adapters.sqlite_store import SqliteStore
from gateway.runtime.ports import SavedStation, StoreFailed
from tests import counts
from tests.adapters.store_files import CP01, CP02, NOON, child, folder_content, foreign, numbered, stations_in

IMPATIENT_S = 0.05


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "evgate.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(path)
    await opened.open()
    yield opened
    await opened.close()


def transactions_in_log(path: Path) -> int:
    """Commits in the write-ahead log: frames that tell the size of the database (SQLite file format, 4.1)."""
    log = Path(f"{path}-wal").read_bytes()
    frame_bytes = 24 + int.from_bytes(log[8:12])
    return sum(int.from_bytes(log[at + 4 : at + 8]) != 0 for at in range(32, len(log), frame_bytes))


# Commits


async def test_commits_that_wait_share_a_transaction(store: SqliteStore, path: Path) -> None:
    with foreign(path) as other:
        other.execute("BEGIN IMMEDIATE")
        before = transactions_in_log(path)
        commits = [asyncio.create_task(store.commit([SavedStation(numbered(number))])) for number in range(100)]
        await asyncio.wait(commits, timeout=IMPATIENT_S)
        assert not any(commit.done() for commit in commits)
        other.execute("ROLLBACK")
        await asyncio.gather(*commits)
    assert 1 <= transactions_in_log(path) - before <= 2
    assert len(await store.stations()) == 100


async def test_what_stands_already_is_not_written_again(store: SqliteStore, path: Path) -> None:
    full = CP01.accepted_by("second", NOON)
    await store.commit([SavedStation(full), SavedStation(CP02)])
    with foreign(path) as other:
        version = other.execute("PRAGMA data_version").fetchone()
        before = folder_content(path.parent)
        await store.commit([SavedStation(full), SavedStation(CP02)])
        await store.commit([])
        assert other.execute("PRAGMA data_version").fetchone() == version
        assert folder_content(path.parent) == before
        await store.commit([SavedStation(CP01)])
        assert other.execute("PRAGMA data_version").fetchone() != version


async def works(store: SqliteStore) -> bool:
    try:
        await store.commit([])
    except StoreFailed:
        return False
    return True


async def test_a_slow_disk_fails_those_who_wait_and_a_late_success_does_no_harm(path: Path) -> None:
    store = SqliteStore(path, limit_s=IMPATIENT_S)
    await store.open()
    begun, queued = numbered(1), numbered(2)
    with foreign(path) as other:
        other.execute("BEGIN IMMEDIATE")
        for record in (begun, queued):
            with pytest.raises(StoreFailed, match=r"did not answer within 0.05 s.* replace a failing card\.$"):
                await store.commit([SavedStation(record)])
        with pytest.raises(StoreFailed, match="did not answer"):
            await store.stations()
        other.execute("ROLLBACK")
    async with asyncio.timeout(counts.PATIENCE_S):
        while not await works(store):
            pass
    assert await stations_in(path) == [begun]
    later = begun.accepted_by("operator", NOON)
    await store.commit([SavedStation(later)])
    await store.close()
    assert await stations_in(path) == [later]


async def test_a_cancelled_commit_leaves_the_store_usable(store: SqliteStore, path: Path) -> None:
    with foreign(path) as other:
        other.execute("BEGIN IMMEDIATE")
        running, waiting = (asyncio.create_task(store.commit([SavedStation(record)])) for record in (CP01, CP02))
        await asyncio.wait({running}, timeout=IMPATIENT_S)
        running.cancel()
        waiting.cancel()
        await asyncio.wait({running, waiting})
        other.execute("ROLLBACK")
    await store.commit([SavedStation(numbered(3))])
    assert numbered(3) in await store.stations()


async def test_closing_finishes_what_waits(path: Path) -> None:
    store = SqliteStore(path)
    commits = [asyncio.create_task(store.commit([SavedStation(numbered(number))])) for number in range(20)]
    await asyncio.wait(commits, timeout=0)
    await store.close()
    await asyncio.gather(*commits)
    assert len(await stations_in(path)) == 20


def test_closing_a_stuck_store_ends_and_its_thread_outlives_the_loop(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def life() -> None:
        store = SqliteStore(path, limit_s=IMPATIENT_S)
        with pytest.raises(StoreFailed):
            await store.commit([SavedStation(CP01)])
        await store.close()

    asyncio.run(stations_in(path))
    with foreign(path) as other:
        other.execute("BEGIN IMMEDIATE")
        asyncio.run(life())
        (thread,) = (thread for thread in threading.enumerate() if thread.name == "evgate-store")
        other.execute("ROLLBACK")
    thread.join(counts.PATIENCE_S)
    assert not thread.is_alive()
    assert "did not finish within 0.05 s" in caplog.text


# Disks that fail, and processes that die


async def test_after_a_failure_the_file_is_opened_again(store: SqliteStore, path: Path) -> None:
    with foreign(path) as other:
        other.execute("ALTER TABLE stations RENAME TO mislaid")
        for _ in range(2):
            with pytest.raises(StoreFailed, match=r"no such table: .* log lines before this one\.$"):
                await store.commit([SavedStation(CP01)])
        other.execute("ALTER TABLE mislaid RENAME TO stations")
    await store.commit([SavedStation(CP01)])
    assert await store.stations() == [CP01]


async def test_a_file_taken_away_is_noticed_and_made_anew(store: SqliteStore, path: Path) -> None:
    await store.commit([SavedStation(CP01)])
    path.unlink()
    with pytest.raises(StoreFailed, match=r"was removed or replaced.*put the old file back\.$"):
        await store.commit([SavedStation(CP02)])
    await store.commit([SavedStation(CP02)])
    assert CP02 in await store.stations()


async def test_a_disk_that_takes_no_more_fails_the_guilty_commit_only(path: Path) -> None:
    first, big, last, stations = (await child("file_limit", path)).splitlines()
    assert (first, last) == ("None", "None")
    assert re.fullmatch(r"The disk did not read or write the store .* replace a failing card\.", big)
    assert stations == "CP1 CP3 CP4"


async def test_what_was_acknowledged_survives_kill(path: Path) -> None:
    dice = counts.dice("store-kill")
    acknowledged: set[str] = set()
    for _ in range(counts.KILLS // 4):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.adapters.store_child", "loop", path, cwd=counts.ROOT, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        async with asyncio.timeout(counts.PATIENCE_S):
            for _ in range(dice.randrange(1, 150)):
                acknowledged.add(f"CP{int(await process.stdout.readline())}")
            process.send_signal(signal.SIGKILL)
            acknowledged |= {f"CP{int(line)}" for line in (await process.stdout.read()).splitlines()}
            assert await process.wait() == -signal.SIGKILL
        assert acknowledged <= {station.identity for station in await stations_in(path)}
