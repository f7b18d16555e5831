"""What the store writes to the card, counted under SQLite on a large site: bytes of the log for each commit.

Pages that are moved from the log into the file later are shared by many commits; they are printed beside it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.adapters.sqlite_store import SqliteStore
from gateway.core.energy import Energy
from gateway.core.memory import (
    ChargerRecord,
    ConnectorRecord,
    Durable,
    FaultRecord,
    Phase,
    PreviousStatus,
    SessionRecord,
)
from gateway.core.record import StationRecord
from gateway.core.reports import BootReported, StatusReported
from gateway.runtime.ports import Remembered, Retention, SavedStation
from tests import counts
from tests.support.power import RecordingDisk, Synced, Written

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
FIRST_NUMBER = int(NOON.timestamp())
LONE_BYTES = 16_000
BURST_BYTES = 3_000
TOGETHER = 10
CHARGERS = 200

dice = counts.dice("store-bytes")


def key(charger: int) -> str:
    return f"de*abc*e{charger:05}"


def connector(charger: int, connector_id: int, status: str, second: int = 0) -> ConnectorRecord:
    """A row as long as a talkative charger makes it."""
    at = NOON + timedelta(seconds=second)
    return ConnectorRecord(
        report=StatusReported(
            connector_id,
            status,
            "NoError" if status != "Faulted" else "OtherError",
            info=f"Relay {charger} reports code {second}",
            vendor_id="com.example.charging",
            vendor_error_code=f"E{second:04}",
            charger_ts=at.isoformat(),
            reported_at=at,
        ),
        condition="suspended_ev",
        since=at,
        previous=PreviousStatus("Charging", "charging", NOON),
        transition="C4",
        visit=FIRST_NUMBER,
        plugged_at=NOON,
    )


def fault(charger: int, number: int) -> FaultRecord:
    return FaultRecord(
        number,
        1,
        "OtherError",
        "com.example.charging",
        f"E{number}",
        f"Relay {charger}",
        "error",
        NOON,
        NOON,
        1,
        "Charging",
        7,
    )


def session(charger: int, number: int) -> SessionRecord:
    phases = tuple(Phase("suspended_ev", NOON, 60.0 * step) for step in range(8))
    return SessionRecord(
        number,
        1,
        Energy(start_wh=1, now_wh=2),
        4711,
        "04A2********",
        NOON,
        phases=phases,
        charging_s=1.5,
        max_power_w=1.0,
    )


@dataclass
class Site:
    """A store with 200 chargers of two connectors, each with a past."""

    store: SqliteStore
    disk: RecordingDisk
    number: int = FIRST_NUMBER

    async def logged_bytes(self, *records: tuple[int, Durable]) -> int:
        """What a commit of these records of these chargers writes to the log."""
        before = len(self.disk.entries)
        await self.store.commit([Remembered(key(charger), record) for charger, record in records])
        return self.disk.written_bytes("-wal", before)

    def next_number(self) -> int:
        self.number += 1
        return self.number


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    disk = RecordingDisk()
    with disk.in_use():
        store = SqliteStore(tmp_path / "evgate.db")
        await store.open()
        site = Site(store, disk)
        for charger in range(CHARGERS):
            name = f"DE*ABC*E{charger:05}"
            changes = [SavedStation(StationRecord(name, f"de-abc-e{charger:05}", NOON))]
            boot = ChargerRecord(BootReported("Vendor", "Model X", "0123456789", "1.2.3"), NOON, "Accepted", 300)
            records: list[Durable] = [boot, *(connector(charger, number, "Available") for number in range(3))]
            for _ in range(5):
                records.append(replace(fault(charger, site.next_number()), cleared=NOON))
                records.append(replace(session(charger, site.next_number()), ended=NOON, revision=1))
            await store.commit([*changes, *(Remembered(key(charger), record) for record in records)])
        yield site
        await store.close()


async def test_a_lone_change_of_status_is_a_few_pages(site: Site) -> None:
    written = []
    for second in range(1, 200):
        charger = dice.randrange(CHARGERS)
        written.append(await site.logged_bytes((charger, connector(charger, dice.randrange(3), "Charging", second))))
    print(f"lone status change: {max(written)} bytes to the log at most, {sum(written) / 199:.0f} on average")
    assert 0 < max(written) <= LONE_BYTES


async def test_a_lone_fault_and_its_end_are_a_few_pages(site: Site) -> None:
    written = []
    for second in range(1, 100):
        charger = dice.randrange(CHARGERS)
        raised = fault(charger, site.next_number())
        faulted = connector(charger, 1, "Faulted", second)
        written.append(await site.logged_bytes((charger, faulted), (charger, raised)))
        cleared = replace(raised, cleared=NOON, cleared_by="status")
        available = connector(charger, 1, "Available", second)
        written.append(await site.logged_bytes((charger, available), (charger, cleared)))
    print(f"lone fault: {max(written)} bytes to the log at most, {sum(written) / len(written):.0f} on average")
    assert 0 < max(written) <= LONE_BYTES


@pytest.mark.parametrize("faulted", [False, True], ids=["status", "fault"])
async def test_in_a_burst_of_ten_chargers_each_change_is_less(site: Site, faulted: bool) -> None:
    written = []
    for second in range(1, 50):
        changes: list[tuple[int, Durable]] = []
        for charger in dice.sample(range(CHARGERS), TOGETHER):
            changes.append((charger, connector(charger, 1, "Faulted" if faulted else "Charging", second)))
            if faulted:
                changes.append((charger, fault(charger, site.next_number())))
        written.append(await site.logged_bytes(*changes) / TOGETHER)
    print(f"burst of ten, {faulted=}: {max(written):.0f} bytes to the log each at most")
    assert 0 < max(written) <= BURST_BYTES


async def test_what_is_told_again_writes_nothing(site: Site) -> None:
    charger, number = 7, site.next_number()
    told = [
        (charger, one)
        for one in (connector(charger, 1, "Faulted", 9), fault(charger, number), session(charger, number))
    ]
    assert await site.logged_bytes(*told) > 0
    before = len(site.disk.entries)
    for _ in range(12):
        assert await site.logged_bytes(*told) == 0
        await site.store.commit([])
    assert site.disk.entries[before:] == []


async def test_pages_moved_into_the_file_are_shared_by_many_changes(site: Site) -> None:
    """The log is moved when it has 4000 pages: what changed ten times meanwhile is written once."""
    changes = 0
    start = len(site.disk.entries)
    while site.disk.written_bytes(".db", start) == 0:
        charger = dice.randrange(CHARGERS)
        await site.logged_bytes((charger, connector(charger, dice.randrange(3), "Charging", changes)))
        changes += 1
    logged, moved = (site.disk.written_bytes(suffix, start) for suffix in ("-wal", ".db"))
    print(f"{changes} status changes: {logged / changes:.0f} bytes each to the log, {moved / changes:.0f} to the file")
    assert moved < logged


async def test_tidying_leaves_room_for_others(site: Site, tmp_path: Path) -> None:
    """Each transaction is small, so that a charger's commit waits for little."""
    before = len(site.disk.entries)
    commit = site.logged_bytes((3, connector(3, 1, "Charging", 1)))
    gone = await site.store.tidy(Retention(NOON + timedelta(days=9), NOON + timedelta(days=9), 10**9))
    assert gone == 10 * CHARGERS
    assert await commit > 0
    transactions, size = [], 0
    for entry in site.disk.entries[before:]:
        match entry:
            case Written(data=data):
                size += len(data)
            case Synced():
                transactions.append(size)
                size = 0
    print(f"tidying: {gone} rows, {max(transactions)} bytes at most between two syncs")
    assert max(transactions) < 400_000
    with closing(sqlite3.connect(tmp_path / "evgate.db")) as database:
        left = [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("faults", "sessions")]  # noqa: S608
    assert left == [0, 0]
