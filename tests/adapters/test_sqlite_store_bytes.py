"""What the store writes to the card, counted under SQLite on a large site: bytes of the log for each commit.

Pages that are moved from the log into the file later are shared by many commits; they are printed beside it.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
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
from gateway.core.phases import MOST_PHASES
from gateway.core.record import StationRecord
from gateway.core.reports import BootReported, StatusReported
from gateway.runtime.ports import Remembered, Retention, SavedStation
from tests import counts
from tests.runtime.house import House
from tests.support.power import RecordingDisk, Synced, Written

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
FIRST_NUMBER = int(NOON.timestamp())
LONE_BYTES = 16_000
BURST_BYTES = 3_000
BEGINNING_BYTES = 20_000
"""Of a transaction that begins, the row is new, and its places in two indexes."""

SPLIT_BYTES = 500
"""Once in some twenty bursts of faults a page of the tree above their rows is full and makes more of it: four or five
pages, a tenth of them for each charger."""
TOGETHER = 10
CHARGERS = 200

BOOT = '[2,"b","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]'
STATUS = '[2,"s","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"%s"}]'
START = '[2,"t","StartTransaction",{"connectorId":1,"idTag":"04AABBCC","meterStart":100}]'
NUMBER = '[3,"t",{"transactionId":7712,"idTagInfo":{"status":"Accepted"}}]'
HEARTBEAT = '[2,"h%d","Heartbeat",{}]'
HEARD = '[3,"h%d",{"currentTime":"2026-03-01T12:00:00Z"}]'

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


def session(charger: int, number: int, phases: int = 8, second: int = 0) -> SessionRecord:
    """An open one that came into its last phase this second, with the odd microseconds of real clocks."""
    at = NOON + timedelta(seconds=second)
    past, since = [], NOON
    for phase in range(phases - 1):
        seconds = 1800 + dice.randrange(10**6) / 10**6
        past.append(Phase(("charging", "suspended_evse", "suspended_ev")[phase % 3], since, seconds))
        since += timedelta(seconds=seconds, microseconds=dice.randrange(-99, 100))
    return SessionRecord(
        number,
        1,
        Energy(start_wh=12_345_678, now_wh=12_390_123, energy_wh=44_445, from_wh=12_345_678, waited_s=59.987654),
        1_772_366_400,
        "04A2B3C4D5E6F7******",
        NOON,
        charger_ts=NOON.isoformat(),
        visit=FIRST_NUMBER,
        plugged_at=NOON,
        phases=(*past, Phase("suspended_ev", since, 0.0)),
        charging_s=12_345.123456 + second,
        max_power_w=11_040.5,
        soc_start_pct=20.5,
        soc_pct=80.5,
        start_told=True,
        duration_s=1800.0 * phases + 0.123456,
        counted_at=at,
        start_delivered=True,
    )


def ended(record: SessionRecord) -> SessionRecord:
    return replace(
        record,
        energy=replace(record.energy, stop_wh=12_390_123),
        ended=record.counted_at,
        unplugged_at=record.counted_at,
        stop_reason="EVDisconnected",
        revision=1,
        stop_delivered=True,
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
                records.append(ended(session(charger, site.next_number())))
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


@dataclass(frozen=True)
class Told:
    """What one charger tells in a session of hours; a message each, in this order, and each is one change of status."""

    charger: int
    number: int
    phases: int
    second: int
    fault: FaultRecord

    def stories(self) -> dict[str, list[Durable]]:
        """By what it is."""
        going_on = replace(session(self.charger, self.number, self.phases, self.second), phases=self._phases(1))
        faulted = replace(going_on, phases=self._phases(2), counted_at=NOON + timedelta(seconds=self.second + 1))
        over = replace(going_on, phases=self._phases(3), counted_at=NOON + timedelta(seconds=self.second + 9))
        cleared = replace(self.fault, cleared=over.counted_at, cleared_by="status", occurrences=2)
        return {
            "beginning": [self._connector("Charging", 0), replace(going_on, phases=going_on.phases[:1])],
            "status": [self._connector("SuspendedEV", 1), going_on],
            "fault": [self._connector("Faulted", 2), faulted, self.fault],
            "status again": [self._connector("Charging", 3), over],
            "fault cleared": [cleared],
            "end": [self._connector("Finishing", 4), ended(over)],
        }

    def _connector(self, status: str, later: int) -> ConnectorRecord:
        return connector(self.charger, 1, status, self.second + later)

    def _phases(self, more: int) -> tuple[Phase, ...]:
        story = session(self.charger, self.number, self.phases + 4, self.second).phases
        return story[more : more + self.phases][-MOST_PHASES:]


@pytest.mark.parametrize("phases", [1, MOST_PHASES])
@pytest.mark.parametrize("together", [1, TOGETHER])
async def test_a_change_in_a_session_is_as_little(site: Site, together: int, phases: int) -> None:
    """However long its story is: the row stays in its page."""
    written: defaultdict[str, list[float]] = defaultdict(list)
    for turn in range(500 // together):
        told = [
            Told(charger, site.next_number(), phases, 10 * turn, fault(charger, site.next_number()))
            for charger in dice.sample(range(CHARGERS), together)
        ]
        for story in told[0].stories():
            changes = [(one.charger, record) for one in told for record in one.stories()[story]]
            written[story].append(await site.logged_bytes(*changes) / together)
    figures = ", ".join(f"{story} {max(some):.0f} ({sum(some) / len(some):.0f})" for story, some in written.items())
    print(f"figures: {phases} phases, {together} together: bytes to the log each at most (on average): {figures}")
    beginning, faulted = written.pop("beginning"), written["fault"]
    if together == 1:
        assert sum(beginning) / len(beginning) <= LONE_BYTES
        assert max(beginning) <= BEGINNING_BYTES
        assert 0 < max(map(max, written.values())) <= LONE_BYTES
    else:
        # Ten transactions that begin at once are ten new rows for the index as well.
        assert max(beginning) <= 2 * BURST_BYTES
        assert sum(faulted) / len(faulted) <= BURST_BYTES
        assert max(written.pop("fault")) <= BURST_BYTES + SPLIT_BYTES
        assert 0 < max(map(max, written.values())) <= BURST_BYTES


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


async def test_an_hour_of_heartbeats_writes_nothing(tmp_path: Path) -> None:
    """Through all of the gateway that a charger's messages pass, with this store."""
    disk = RecordingDisk()
    with disk.in_use():
        store = SqliteStore(tmp_path / "evgate.db")
        house = House()
        house.stations.safekeeping.store = store
        await house.stations.start()
        charger = await house.connect()
        told = [BOOT, STATUS % "Preparing", START, STATUS % "Charging"]
        for text in told:
            await charger.from_charger.text(text)
        await charger.up.until(len(told))
        await charger.from_upstream.text(NUMBER)
        await charger.down.until(1)
        before = len(disk.entries)
        assert disk.written_bytes("-wal") > 0
        for minute in range(60):
            house.clock.move(60)
            at = len(charger.down.written)
            await charger.from_charger.text(HEARTBEAT % minute)
            await charger.from_charger.text(STATUS % "Charging")
            await charger.up.until(len(told) + 2 * (minute + 1))
            await charger.from_upstream.text(HEARD % minute)
            await charger.down.until(at + 1)
        assert disk.entries[before:] == []
        await house.stations.stop()
        await store.close()


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
