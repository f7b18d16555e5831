"""A store that works again: what this process knows better than the rows that it reads there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from gateway.core.memory import ChargerRecord, Memory
from gateway.core.record import StationRecord
from gateway.runtime.notes import Notes
from gateway.runtime.ports import Change, ForgottenStation, Remembered, SavedStation
from gateway.runtime.safekeeping import Kept, Safekeeping
from tests.fakes.clock import StandingClock
from tests.fakes.memory_store import MemoryStore

SEEN = datetime(2026, 3, 1, tzinfo=UTC)
CP01 = StationRecord("CP01", "cp01", SEEN)
CP02 = StationRecord("CP02", "cp02", SEEN)
WHOLE = ChargerRecord(remote_addr="10.0.0.31")
BEFORE = Remembered("cp01", WHOLE)


class Listener:
    """Hears what stands in the store; knows nothing that it does not hold."""

    def __init__(self) -> None:
        self.kept = Kept([], {})

    async def learn(self, kept: Kept) -> None:
        self.kept = kept

    def everything(self) -> list[Change]:
        return []


class BusyStore(MemoryStore):
    """While its first commit after a failure is under way, somebody has this to keep."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[Change] = []
        self.keeper = Safekeeping(self, Notes(StandingClock()))

    async def commit(self, changes: Sequence[Change]) -> None:
        meanwhile, self.meanwhile = self.meanwhile, []
        for change in meanwhile:
            await self.keeper.save([change])
        await super().commit(changes)


async def failing(*, begun: bool) -> BusyStore:
    """A store with a charger and its history fails: before it was read, or after."""
    store = BusyStore()
    await store.commit([SavedStation(CP01), BEFORE])
    if begun:
        await store.keeper.begin()
    store.failure = "The disk is gone: plug it in."
    await (store.keeper.save([]) if begun else store.keeper.begin())
    return store


async def back(store: BusyStore) -> Kept:
    """It works again; what is learnt of it."""
    listener = Listener()
    store.failure = None
    await store.keeper.retry(listener)
    assert store.keeper.problem is None
    return listener.kept


async def test_memories_are_learnt_where_nobody_has_read_them_yet() -> None:
    kept = await back(await failing(begun=False))
    assert kept == Kept([CP01], {"cp01": Memory(WHOLE)})


async def test_memories_that_were_read_before_are_not_learnt_again() -> None:
    """They are of the time before the failure, and may show what has ended since."""
    kept = await back(await failing(begun=True))
    assert kept == Kept([CP01], {})


async def test_who_was_forgotten_and_came_back_has_no_memories() -> None:
    store = await failing(begun=False)
    await store.keeper.save([ForgottenStation("cp01")])
    await store.keeper.save([SavedStation(CP01)])
    assert await back(store) == Kept([CP01], {})
    assert store.disk.remembered == {}


async def test_who_was_forgotten_and_came_back_is_kept_although_more_came_while_that_was_written() -> None:
    store = await failing(begun=True)
    await store.keeper.save([ForgottenStation("cp01")])
    await store.keeper.save([SavedStation(CP01), BEFORE])
    store.meanwhile = [SavedStation(CP02)]
    assert (await back(store)).stations == [CP01, CP02]
    assert dict(store.disk) == {"cp01": CP01, "cp02": CP02}
    assert list(store.disk.remembered.values()) == [BEFORE]
