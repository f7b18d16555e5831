"""The store in service: what cannot be written now waits, is said, and is written once and in order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.memory import Memory
from gateway.core.record import Standing, StationRecord
from gateway.runtime.notes import Notes
from gateway.runtime.ports import Change, ForgottenStation, SavedStation, StoreFailed, StoreRefused
from gateway.runtime.safekeeping import Kept, Safekeeping
from tests.fakes.clock import StandingClock
from tests.fakes.memory_store import Disk, MemoryStore

SEEN = datetime(2026, 3, 1, tzinfo=UTC)
FULL = "The disk is full: free some space."


class BusyStore(MemoryStore):
    """While it commits, somebody else has something to keep."""

    def __init__(self, disk: Disk | None = None) -> None:
        super().__init__(disk)
        self.meanwhile: list[Change] = []
        self.keeper: Safekeeping | None = None

    async def commit(self, changes: Sequence[Change]) -> None:
        meanwhile, self.meanwhile = self.meanwhile, []
        assert self.keeper is not None
        for change in meanwhile:
            await self.keeper.save([change])
        await super().commit(changes)


class Table:
    """A store that can fail, and what is learnt when it is back."""

    def __init__(self) -> None:
        self.store = BusyStore()
        self.keeper = self.store.keeper = Safekeeping(self.store, Notes(StandingClock()))
        self.learnt: list[StationRecord] = []
        self.reminded: dict[str, Memory] = {}
        self.known: list[Change] = []

    async def fail(self) -> None:
        """From now on nothing can be written."""
        self.store.failure = FULL
        await self.keeper.save([])

    async def recover(self) -> None:
        """The store works again, and is tried."""
        self.store.failure = None
        await self.keeper.retry(self)

    async def learn(self, kept: Kept) -> None:
        """What stands in the store."""
        self.learnt = kept.stations
        self.reminded = dict(kept.memories)

    def everything(self) -> list[Change]:
        """What the stations know."""
        return self.known


def row(identity: str, slug: str | None = None, **fields: object) -> StationRecord:
    """One charger's."""
    return StationRecord(identity, slug or identity.lower(), SEEN, **fields)  # type: ignore[arg-type]


async def test_what_waited_is_written_and_learnt() -> None:
    table = Table()
    await table.keeper.begin()
    await table.fail()
    await table.keeper.save([SavedStation(row("CP01"))])
    assert (table.keeper.problem, table.store.disk) == (FULL, {})
    await table.recover()
    assert table.keeper.problem is None
    assert table.learnt == list(table.store.disk.values()) == [row("CP01")]


@pytest.mark.parametrize("last", [SavedStation(row("CP01", "other")), ForgottenStation("cp01")])
async def test_what_is_kept_while_the_rest_is_written_is_not_lost(last: Change) -> None:
    table = Table()
    await table.keeper.begin()
    await table.fail()
    await table.keeper.save([SavedStation(row("CP01")), SavedStation(row("CP02"))])
    table.store.meanwhile = [last, SavedStation(row("CP03"))]
    await table.recover()
    known = ["cp02", "cp03"] if isinstance(last, ForgottenStation) else ["cp01", "cp02", "cp03"]
    assert sorted(table.store.disk) == sorted(record.key for record in table.learnt) == known
    assert table.keeper == Safekeeping(table.store, table.keeper.notes, table.keeper.tags, read=True)


async def test_a_store_that_fails_again_while_it_recovers_loses_nothing() -> None:
    table = Table()
    await table.keeper.begin()
    await table.fail()
    await table.keeper.save([SavedStation(row("CP01"))])
    await table.keeper.retry(table)
    assert table.keeper.problem == FULL
    await table.recover()
    assert list(table.store.disk) == ["cp01"]
    assert table.keeper.notes.counters == {"store_failed": 2, "store_recovered": 1}


async def test_a_row_on_disk_knows_longer_who_came_first() -> None:
    table = Table()
    before = row("cp01", "old-name", accepted={"other": SEEN}, standing=Standing.ADOPTED)
    table.store.disk[before.key] = before
    await table.fail()
    tomorrow = SEEN + timedelta(days=1)
    later = StationRecord("CP01", "new", tomorrow, {"operator": SEEN}, "ocpp1.6", "hash", Standing.CONFIGURED)
    await table.keeper.save([SavedStation(later)])
    await table.recover()
    assert table.store.disk["cp01"] == StationRecord(
        "cp01", "old-name", SEEN, {"operator": SEEN, "other": SEEN}, "ocpp1.6", "hash", Standing.ADOPTED
    )


async def test_a_row_that_was_forgotten_meanwhile_has_no_history() -> None:
    table = Table()
    before = row("cp01", "old-name", accepted={"other": SEEN})
    table.store.disk[before.key] = before
    await table.keeper.begin()
    await table.fail()
    await table.keeper.save([ForgottenStation("cp01")])
    await table.keeper.save([SavedStation(row("CP01"))])
    await table.recover()
    assert table.store.disk == {"cp01": row("CP01")}
    assert table.learnt == [row("CP01")]
    # And what is learnt of it from now on has this one.
    await table.fail()
    await table.keeper.save([SavedStation(row("CP01", "third"))])
    await table.recover()
    assert table.store.disk["cp01"].slug == "cp01"


@pytest.mark.parametrize("failure", [StoreFailed(FULL), StoreRefused("A newer evgate wrote it: install that one.")])
async def test_a_store_that_cannot_be_opened_leaves_the_rows_unread(failure: Exception) -> None:
    class Closed(MemoryStore):
        async def open(self) -> None:
            raise failure

    keeper = Safekeeping(Closed(), Notes(StandingClock()))
    assert await keeper.begin() == Kept([], {})
    assert (keeper.problem, keeper.read) == (str(failure), False)
