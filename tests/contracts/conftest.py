"""The stores that keep the contract: the real one, and the one that other tests use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.adapters.sqlite_store import SqliteStore
from gateway.runtime.ports import Store
from tests.fakes.memory_store import Disk, MemoryStore


@pytest.fixture(params=["sqlite", "memory"])
def another(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Makes stores over one and the same disk."""
    if request.param == "sqlite":
        return lambda: SqliteStore(tmp_path / "evgate.db")
    disk = Disk()
    return lambda: MemoryStore(disk)


@pytest.fixture
async def store(another: Callable[[], Store]) -> AsyncIterator[Store]:
    """An open, empty store."""
    opened = another()
    await opened.open()
    yield opened
    await opened.close()
