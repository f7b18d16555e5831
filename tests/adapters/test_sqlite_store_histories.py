"""Generated lives of a store: whatever is saved, in whatever order and across restarts, is read back equal."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.adapters.sqlite_store import SqliteStore
from gateway.core.record import StationRecord
from gateway.runtime.ports import SavedStation
from tests import counts

any_text = st.text(st.characters())
# Few, so that rows meet again; two of them are one identity in two spellings.
identities = st.sampled_from(["CP01", "cp01", "Straße 1", "\0", "\ud800", ""]) | any_text
times = st.datetimes(timezones=st.just(UTC))


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


class StoreHistory(RuleBasedStateMachine):
    """The model is a dict in the order first seen."""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.store = self.another()
        self.model: dict[str, StationRecord] = {}

    def another(self) -> SqliteStore:
        return SqliteStore(Path(self.folder.name) / "evgate.db")

    @rule(commits=st.lists(st.lists(records(), max_size=3), max_size=4))
    def commit_together(self, commits: list[list[StationRecord]]) -> None:
        async def together() -> None:
            async with asyncio.TaskGroup() as tasks:
                for commit in commits:
                    tasks.create_task(self.store.commit([SavedStation(record) for record in commit]))

        self.loop.run(together())
        self.model |= {record.key: record for commit in commits for record in commit}

    @rule()
    def save_everything_again(self) -> None:
        self.loop.run(self.store.commit([SavedStation(record) for record in self.model.values()]))

    @rule()
    def restart(self) -> None:
        self.loop.run(self.store.close())
        self.store = self.another()

    @invariant()
    def all_is_read_back_equal(self) -> None:
        assert self.loop.run(self.store.stations()) == list(self.model.values())

    def teardown(self) -> None:
        self.loop.run(self.store.close())
        self.loop.close()
        self.folder.cleanup()


# Each history has its own files and syncs them.
TestStoreHistory = StoreHistory.TestCase
TestStoreHistory.settings = settings(max_examples=counts.HISTORIES // 4, stateful_step_count=15)
