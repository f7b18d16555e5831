"""What the tests of the SQLite store do to its files from outside."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from gateway.adapters.sqlite_store import SqliteStore
from gateway.core.record import StationRecord
from tests import counts

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CP01 = StationRecord("CP01", "cp01", NOON, {"operator": NOON}, "ocpp1.6", "scrypt$4096$8$1$00$00")
CP02 = StationRecord("CP02", "cp02", NOON)


def numbered(number: int) -> StationRecord:
    return StationRecord(f"CP{number}", f"cp{number}", NOON)


async def stations_in(path: Path) -> list[StationRecord]:
    """What a store finds there that is opened for it."""
    store = SqliteStore(path)
    try:
        await store.open()
        return await store.stations()
    finally:
        await store.close()


@contextmanager
def foreign(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of another program."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def folder_content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


async def child(task: str, path: Path) -> str:
    """What the child prints until it ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.adapters.store_child", task, path, cwd=counts.ROOT, stdout=subprocess.PIPE
    )
    async with asyncio.timeout(counts.PATIENCE_S):
        output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()
