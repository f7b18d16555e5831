"""Generated lives of a store: whatever is saved, in whatever order and across restarts, is read back equal.

The model is the store that other tests use; so what holds there holds here.
"""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.adapters.sqlite_store import SqliteStore
from gateway.core.energy import Energy
from gateway.core.memory import ChargerRecord, ConnectorRecord, FaultRecord, Phase, PreviousStatus, SessionRecord
from gateway.core.record import StationRecord
from gateway.core.reports import BootReported, StatusReported
from gateway.runtime.ports import Change, ForgottenStation, Remembered, Retention, SavedStation
from tests import counts
from tests.fakes.memory_store import MemoryStore

any_text = st.text(st.characters())
words = st.none() | any_text
# Few, so that rows meet again; two of them are one identity in two spellings.
identities = st.sampled_from(["CP01", "cp01", "Straße 1", "\0", "\ud800", ""]) | any_text
keys = identities.map(str.casefold)
times = st.datetimes(timezones=st.just(UTC))
perhaps_times = st.none() | times
numbers = st.integers(1, 6)
peers_numbers = st.none() | st.integers() | numbers
amounts = st.none() | st.floats(allow_nan=False)
flags = st.booleans()


@st.composite
def records(draw: st.DrawFn) -> StationRecord:
    """Any row; its slug is its key's, because no two stations share one."""
    identity = draw(identities)
    return StationRecord(
        identity=identity,
        slug=f"{identity.casefold()}/slug",
        first_seen=draw(times),
        accepted=draw(st.dictionaries(st.sampled_from(["operator", "\0"]) | any_text, times, max_size=4)),
        subprotocol=draw(st.none() | any_text),
        credential_hash=draw(st.none() | any_text),
    )


boots = st.builds(BootReported, words, words, words, words, words)
chargers = st.builds(
    ChargerRecord, st.none() | boots, perhaps_times, words, peers_numbers, words, words, numbers, words, flags
)
statuses = st.builds(StatusReported, numbers, any_text, any_text, words, words, words, words, perhaps_times)
connectors = st.builds(
    ConnectorRecord,
    statuses,
    st.just("available"),
    times,
    st.none() | st.builds(PreviousStatus, any_text, any_text, times),
    flags,
    st.none() | st.just("A2"),
    numbers,
    st.none() | numbers,
    perhaps_times,
)
faults = st.builds(
    FaultRecord,
    number=numbers,
    connector_id=numbers,
    code=any_text,
    vendor_id=words,
    vendor_error_code=words,
    info=words,
    severity=st.just("error"),
    raised=times,
    last_seen=times,
    occurrences=numbers,
    pre_fault_status=words,
    transaction_id=peers_numbers,
    cleared=perhaps_times,
    cleared_by=words,
)
sessions = st.builds(
    SessionRecord,
    number=numbers,
    connector_id=numbers,
    energy=st.builds(Energy, start_wh=peers_numbers, now_wh=peers_numbers, energy_wh=peers_numbers, resets=numbers),
    transaction_id=peers_numbers,
    id_tag=words,
    started=perhaps_times,
    ended=perhaps_times,
    charger_ts=words,
    stop_reason=words,
    revision=st.integers(0, 2),
    visit=st.none() | numbers,
    phases=st.lists(st.builds(Phase, any_text, times, st.floats(0, 1e6)), max_size=3).map(tuple),
    charging_s=st.floats(0, 1e6),
    max_power_w=amounts,
    soc_pct=amounts,
    started_late=flags,
    signed=flags,
)
changes = (
    st.builds(SavedStation, records())
    | st.builds(Remembered, keys, chargers | connectors | faults | sessions)
    | st.builds(ForgottenStation, keys)
)


class StoreHistory(RuleBasedStateMachine):
    """The same happens to both."""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.store = self.another()
        self.model = MemoryStore()

    def another(self) -> SqliteStore:
        return SqliteStore(Path(self.folder.name) / "evgate.db")

    @rule(commits=st.lists(st.lists(changes, max_size=3), max_size=4))
    def commit_together(self, commits: list[list[Change]]) -> None:
        async def together() -> None:
            async with asyncio.TaskGroup() as tasks:
                for commit in commits:
                    tasks.create_task(self.store.commit(commit))
            for commit in commits:
                await self.model.commit(commit)

        self.loop.run(together())

    @rule()
    def save_everything_again(self) -> None:
        stations = [SavedStation(record) for record in self.model.disk.values()]
        self.loop.run(self.store.commit([*stations, *self.model.disk.remembered.values()]))

    @rule(sessions_before=times, faults_before=times, quota_bytes=st.sampled_from([0, 10**9]))
    def tidy(self, sessions_before: datetime, faults_before: datetime, quota_bytes: int) -> None:
        before = Retention(sessions_before, faults_before, quota_bytes)
        assert self.loop.run(self.store.tidy(before)) == self.loop.run(self.model.tidy(before))

    @rule()
    def restart(self) -> None:
        self.loop.run(self.store.close())
        self.store = self.another()

    @invariant()
    def all_is_read_back_equal(self) -> None:
        assert self.loop.run(self.store.stations()) == list(self.model.disk.values())
        memories, expected = (self.loop.run(store.memories()) for store in (self.store, self.model))
        assert memories == expected

    def teardown(self) -> None:
        self.loop.run(self.store.close())
        self.loop.close()
        self.folder.cleanup()


# Each history has its own files and syncs them.
TestStoreHistory = StoreHistory.TestCase
TestStoreHistory.settings = settings(max_examples=counts.HISTORIES // 4, stateful_step_count=15)
