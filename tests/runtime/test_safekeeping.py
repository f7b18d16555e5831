"""The store in service: what cannot be written now waits, is said, and is written once and in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.energy import Energy
from gateway.core.memory import ChargerRecord, ConnectorRecord, FaultRecord, Memory, SessionRecord
from gateway.core.moment import Moment
from gateway.core.record import Standing, StationRecord
from gateway.core.reports import StatusReported
from gateway.runtime.notes import Notes
from gateway.runtime.ports import Change, ForgottenStation, Remembered, SavedStation, StoreFailed, StoreRefused
from gateway.runtime.safekeeping import MOST_UNSAVED, PORTION, TIDY_EVERY_S, Kept, Safekeeping
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


# A long failure


def remembered(number: int, kind: type[FaultRecord] | type[SessionRecord], *, over: bool = True) -> Remembered:
    """One row of CP01."""
    end = SEEN if over else None
    if kind is SessionRecord:
        return Remembered("cp01", SessionRecord(number, 1, Energy(), ended=end, revision=int(over)))
    return Remembered("cp01", FaultRecord(number, 1, "X", None, None, None, "warning", SEEN, SEEN, cleared=end))


async def test_what_waited_is_written_in_portions_and_those_of_a_station_together() -> None:
    table = Table()
    await table.keeper.begin()
    await table.fail()
    keys = [f"cp{number}" for number in range(100)]
    for connector in range(12):
        report = StatusReported(connector, "Available")
        await table.keeper.save([Remembered(key, ConnectorRecord(report, "available", SEEN)) for key in keys])
    await table.recover()
    assert [len(commit) for commit in table.store.commits] == [492, 492, 216]
    for commit in table.store.commits:
        assert set(Counter(change.key for change in commit if isinstance(change, Remembered)).values()) == {12}
    assert len(table.store.disk.remembered) == 1200


async def test_more_of_one_station_than_a_portion_is_written_as_it_was_told() -> None:
    table = Table()
    await table.keeper.begin()
    await table.fail()
    told = [remembered(number, SessionRecord) for number in range(2 * PORTION + 1)]
    await table.keeper.save(told)
    await table.recover()
    assert [len(commit) for commit in table.store.commits] == [PORTION, PORTION, 1]
    assert list(table.store.disk.remembered.values()) == told


async def test_who_was_forgotten_is_written_without_a_past_in_a_later_portion() -> None:
    table = Table()
    before = row("cp01", "old-name", accepted={"other": SEEN})
    table.store.disk[before.key] = before
    await table.keeper.begin()
    await table.fail()
    await table.keeper.save([ForgottenStation("cp01")])
    await table.keeper.save([Remembered(f"cp{number}", ChargerRecord()) for number in range(100, 100 + PORTION)])
    await table.keeper.save([SavedStation(row("CP01"))])
    await table.recover()
    assert table.store.disk == {"cp01": row("CP01")}
    assert table.learnt == [row("CP01")]


async def test_who_is_forgotten_while_that_is_written_leaves_nothing() -> None:
    table = Table()
    await table.keeper.begin()
    await table.fail()
    await table.keeper.save([SavedStation(row("CP01")), remembered(1, SessionRecord), remembered(2, FaultRecord)])
    table.store.meanwhile = [ForgottenStation("cp01")]
    await table.recover()
    assert (table.store.disk, table.store.disk.remembered) == ({}, {})


async def test_in_a_long_failure_the_oldest_faults_that_are_over_are_dropped_and_counted() -> None:
    table = Table()
    await table.keeper.begin()
    await table.fail()
    stays: list[Change] = [
        SavedStation(row("CP01")),
        remembered(0, FaultRecord, over=False),
        remembered(1, SessionRecord),
    ]
    faults = [remembered(number, FaultRecord) for number in range(2, MOST_UNSAVED + 2)]
    await table.keeper.save([*faults[:5], *stays])
    for change in faults[5:]:
        await table.keeper.save([change])
    assert table.keeper.notes.counters["fault_record_dropped"] == 3
    await table.recover()
    assert list(table.store.disk) == ["cp01"]
    assert list(table.store.disk.remembered.values()) == [*faults[3:5], *stays[1:], *faults[5:]]


async def test_sessions_are_never_dropped() -> None:
    table = Table()
    await table.keeper.begin()
    await table.fail()
    sessions = [remembered(number, SessionRecord) for number in range(MOST_UNSAVED + 7)]
    await table.keeper.save([*sessions, remembered(MOST_UNSAVED + 7, FaultRecord)])
    await table.recover()
    assert list(table.store.disk.remembered.values()) == sessions
    assert table.keeper.notes.counters["fault_record_dropped"] == 1


# The clock


async def test_nothing_goes_by_age_while_nobody_vouches_for_the_clock() -> None:
    table = Table()
    await table.keeper.begin()
    await table.keeper.save([remembered(1, SessionRecord), remembered(2, FaultRecord)])
    table.keeper.may_tidy = lambda: False
    in_2090 = Moment(SEEN + timedelta(days=64 * 365), 0.0)
    await table.keeper.tidy(in_2090)
    assert len(table.store.disk.remembered) == 2
    table.keeper.may_tidy = lambda: True
    await table.keeper.tidy(in_2090)
    assert table.store.disk.remembered == {}
    assert table.keeper.notes.counters["store_tidied"] == 1


async def test_space_is_made_whatever_the_clock_says() -> None:
    table = Table()
    await table.keeper.begin()
    await table.keeper.save([remembered(1, SessionRecord)])
    table.keeper.may_tidy = lambda: False
    table.keeper.quota_bytes = 0
    await table.keeper.tidy(Moment(SEEN, 0.0))
    assert table.store.disk.remembered == {}


async def test_as_soon_as_the_clock_is_believed_what_is_old_goes() -> None:
    table = Table()
    trusted = False
    table.keeper.may_tidy = lambda: trusted
    now = Moment(SEEN, 0.0)
    assert table.keeper.is_due(now)
    await table.keeper.tidy(now)
    assert not table.keeper.is_due(now)
    trusted = True
    assert table.keeper.is_due(now)
    await table.keeper.tidy(now)
    assert not table.keeper.is_due(Moment(SEEN, TIDY_EVERY_S - 1))
    assert table.keeper.is_due(Moment(SEEN, TIDY_EVERY_S))
