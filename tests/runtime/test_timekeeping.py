"""The clock in service: who is asked and when, what is kept, and what outlives a kill."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.adapters.sqlite_store import SqliteStore
from gateway.core.clock_trust import TimeSample, Trust, TrustRecord
from gateway.core.effects import LearnTime
from gateway.core.moment import Moment
from gateway.runtime.notes import Notes
from gateway.runtime.ports import Change, SavedTrust, Store
from gateway.runtime.safekeeping import Kept, Safekeeping
from gateway.runtime.timekeeping import Timekeeping
from tests import counts
from tests.adapters.store_files import foreign
from tests.fakes.clock import StandingClock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.time_sync import StandingTimeSync
from tests.runtime.house import until

BOOT = "5d7b"


class Nobody:
    """No stations here."""

    async def learn(self, _kept: Kept) -> None:
        """Nobody hears of it."""

    def everything(self) -> list[Change]:
        """Nobody knows anything."""
        return []


@dataclass
class Table:
    """One timekeeping and its surroundings."""

    store: Store = field(default_factory=MemoryStore)
    configured: bool = False
    boot_id: str | None = BOOT
    clock: StandingClock = field(default_factory=StandingClock)
    changes: int = 0

    def __post_init__(self) -> None:
        self.time_sync = StandingTimeSync(self.clock, self.boot_id)
        self.notes = Notes(self.clock)
        self.safekeeping = Safekeeping(self.store, self.notes)
        self.timekeeping = Timekeeping(
            configured=self.configured,
            clock=self.clock,
            time_sync=self.time_sync,
            safekeeping=self.safekeeping,
            notes=self.notes,
            changed=self._changed,
        )

    def _changed(self) -> None:
        self.changes += 1

    def tell(self, ahead_s: float = 0.0) -> None:
        """Upstream's answer comes, and its clock is this much ahead."""
        now = self.clock.moment
        told = now.wall + timedelta(seconds=ahead_s, microseconds=1)
        self.timekeeping.learn(LearnTime("operator", told, 0.0, now))

    @property
    def shown(self) -> tuple[str, str | None, int | None]:
        return self.timekeeping.trust, self.timekeeping.source, self.timekeeping.offset_ms


def kept(source: str = "operator", trust: Trust = Trust.LEARNED, boot_id: str = BOOT) -> TrustRecord:
    """The standing clock is right: it was booted a minute before its first moment."""
    return TrustRecord(boot_id, trust, TimeSample(source, StandingClock().moment.wall, 60.0, 0.1))


async def test_a_machine_without_time_says_so() -> None:
    table = Table()
    await table.timekeeping.ask()
    assert table.shown == ("floor", None, None)
    assert (table.time_sync.asked, table.changes, table.timekeeping.problem) == (1, 0, None)


async def test_the_operating_system_is_asked_until_its_clock_is_synchronised() -> None:
    table = Table()
    await table.timekeeping.ask()
    table.tell()
    await table.timekeeping.ask()
    table.time_sync.source = "timedate1"
    await table.timekeeping.ask()
    assert (table.time_sync.asked, table.changes) == (3, 2)
    await table.timekeeping.ask()
    assert table.time_sync.asked == 3
    assert table.shown == ("synced", "timedate1", 0)
    assert table.notes.counters == {"clock_learned": 1, "clock_synced": 1}


async def test_a_clock_that_the_configuration_trusts_is_not_asked_about() -> None:
    table = Table(configured=True)
    await table.timekeeping.ask()
    assert (table.time_sync.asked, table.shown) == (0, ("synced", "configuration", None))


async def test_an_answer_that_waited_in_the_gateway_is_measured_by_when_it_came() -> None:
    table = Table()
    came = table.clock.moment
    table.clock.move(9.0)
    table.timekeeping.learn(LearnTime("operator", came.wall + timedelta(seconds=5, microseconds=1), 0.0, came))
    assert table.shown == ("learned", "operator", 5000)


async def test_a_step_of_the_clock_moves_the_offset() -> None:
    table = Table()
    table.tell(3600.0)
    assert table.shown == ("learned", "operator", 3_600_000)
    stepped = table.clock.moment.wall + timedelta(hours=1)
    table.clock.moment = Moment(stepped, table.clock.moment.monotonic)
    assert table.timekeeping.offset_ms == 0


async def test_a_disagreement_is_a_problem_until_it_is_over() -> None:
    table = Table(configured=True)
    problems = []
    for ahead_s in (100.0, 100.0, 0.0):
        table.tell(ahead_s)
        problems.append(table.timekeeping.problem is not None)
    assert problems == [True, True, False]
    assert table.notes.counters["clock_disagreement"] == 2
    assert table.changes == 2


# What is kept


async def test_news_are_saved_and_nothing_else() -> None:
    store = MemoryStore()
    table = Table(store)
    running = asyncio.create_task(table.timekeeping.run())
    table.tell(5.0)
    await until(lambda: len(store.commits) == 1)
    assert store.disk.trust is not None
    assert store.disk.trust.trust is Trust.LEARNED
    table.clock.move(30.0)
    table.tell(5.0)
    await table.timekeeping.save()
    assert len(store.commits) == 1
    table.time_sync.source = "marker"
    await table.timekeeping.ask()
    await until(lambda: len(store.commits) == 2)
    await table.timekeeping.ask()
    await table.timekeeping.save()
    assert len(store.commits) == 2
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()


@pytest.mark.parametrize(
    ("record", "shown"),
    [
        (kept(), ("learned", "operator", 0)),
        (kept("marker", Trust.SYNCED), ("synced", "marker", None)),
        (kept(boot_id="other"), ("floor", None, None)),
    ],
)
async def test_what_is_kept_is_good_for_the_same_boot(
    record: TrustRecord, shown: tuple[str, str | None, int | None]
) -> None:
    store = MemoryStore()
    await store.commit([SavedTrust(record)])
    table = Table(store)
    await table.timekeeping.ask()
    await table.timekeeping.save()
    assert table.shown == shown
    assert len(store.commits) == 1


async def test_a_synchronised_machine_that_needs_nothing_more_is_left_alone() -> None:
    store = MemoryStore()
    await store.commit([SavedTrust(kept("marker", Trust.SYNCED))])
    table = Table(store)
    running = asyncio.create_task(table.timekeeping.run())
    await until(lambda: table.shown[0] == "synced")
    assert table.time_sync.asked == 0
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])


async def test_a_boot_without_a_name_keeps_nothing_and_says_so_once() -> None:
    store = MemoryStore()
    table = Table(store, boot_id=None)
    table.tell()
    for _ in range(2):
        await table.timekeeping.ask()
        await table.timekeeping.save()
    assert table.shown == ("learned", "operator", 0)
    assert store.commits == []
    assert table.notes.counters["boot_id_missing"] == 1


async def test_a_store_that_cannot_be_read_is_asked_again_and_not_written_over() -> None:
    store = MemoryStore()
    await store.commit([SavedTrust(kept("marker", Trust.SYNCED))])
    table = Table(store)
    table.tell()
    store.failure = "The disk is full. Make space."
    await table.timekeeping.ask()
    assert table.notes.counters["clock_not_restored"] == 1
    table.safekeeping.problem = store.failure
    await table.timekeeping.ask()
    await table.timekeeping.save()
    assert table.notes.counters["clock_not_restored"] == 1
    assert table.shown == ("learned", "operator", 0)
    table.safekeeping.problem = store.failure = None
    await table.timekeeping.ask()
    await table.timekeeping.save()
    assert table.shown == ("synced", "marker", 0)
    assert len(store.commits) == 1


async def test_what_a_failing_store_does_not_take_is_written_when_it_is_back() -> None:
    store = MemoryStore()
    table = Table(store)
    await table.timekeeping.ask()
    store.failure = "The disk is full. Make space."
    table.tell()
    await table.timekeeping.save()
    assert table.safekeeping.problem is not None
    store.failure = None

    await table.safekeeping.retry(Nobody())
    assert store.disk.trust is not None
    assert store.disk.trust.sample.source == "operator"


# A kill


@pytest.mark.parametrize(("boot_id", "trust"), [(BOOT, "learned"), ("another", "floor")])
async def test_trust_survives_a_kill_and_no_boot(tmp_path: Path, boot_id: str, trust: str) -> None:
    path = tmp_path / "evgate.db"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.runtime.clock_child", path, BOOT, cwd=counts.ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(counts.PATIENCE_S):
        assert await process.stdout.readline() == b"saved\n"
        process.send_signal(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL
    store = SqliteStore(path)
    table = Table(store, boot_id=boot_id)
    await table.safekeeping.begin()
    await table.timekeeping.ask()
    await store.close()
    assert table.timekeeping.trust == trust


async def test_a_row_that_nobody_can_read_is_replaced(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "evgate.db")
    await store.commit([SavedTrust(kept())])
    with foreign(tmp_path / "evgate.db") as connection:
        connection.execute("UPDATE clock_trust SET true_time = 'noon'")
    assert await store.trust() is None
    await store.commit([SavedTrust(kept("second"))])
    assert await store.trust() == kept("second")
    await store.close()
