"""Somebody else holds the database: the daemon neither waits for ever nor forgets that it should end."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.daemon import daemon
from tests.support.site import site, within

END_WITHIN_S = 5.0


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that lets nobody else in."""
    (tmp_path / "state").mkdir()
    with closing(sqlite3.connect(tmp_path / "state" / "evgate.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield other


async def test_sigterm_while_it_starts_ends_it_at_once(tmp_path: Path, locked: sqlite3.Connection) -> None:
    async with daemon(tmp_path, '[chargers]\nlisten = "127.0.0.1:0"\n', until="This is site test") as starting:
        before = time.monotonic()
        assert await starting.end(signal.SIGTERM) == 0
        assert time.monotonic() - before < END_WITHIN_S
        assert starting.ready == ""
    assert locked.in_transaction


async def test_it_serves_without_the_rows_and_says_so(tmp_path: Path, locked: sqlite3.Connection) -> None:
    async with site(tmp_path) as here:
        line = await here.daemon.logged("running without a store, no charger is known from before")
        assert line.split()[1] == "ERROR"
        charger = here.charger("CP1")
        await charger.connect()
        await within(charger.boot())
    assert locked.in_transaction
