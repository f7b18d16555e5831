"""Commit, then answer, then send, then publish, then log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from gateway.core.effects import Answer, Effect, LearnTime, Note, Publish, SaveStation, Send
from gateway.core.events import Leg
from gateway.core.facts import ChargerStatus, Fact
from gateway.core.record import StationRecord
from gateway.runtime.credentials import Credentials
from gateway.runtime.notes import Notes
from gateway.runtime.perform import Performer
from gateway.runtime.ports import Admitted, Change
from gateway.runtime.safekeeping import Safekeeping
from gateway.runtime.wiring import Wiring
from tests.fakes.clock import StandingClock
from tests.fakes.link import MemoryLink
from tests.fakes.memory_store import MemoryStore
from tests.turns import one_turn

RECORD = StationRecord("CP01", "cp01", datetime(2026, 1, 1, tzinfo=UTC))


class SlowStore(MemoryStore):
    """Commits when it is let to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.may = asyncio.Event()

    async def commit(self, changes: Sequence[Change]) -> None:
        self.asked.set()
        await self.may.wait()
        await super().commit(changes)


class Table:
    """One station's performer, its down leg, and the order of what came out."""

    def __init__(self, store: MemoryStore) -> None:
        self.order: list[str] = []
        self.link = MemoryLink()
        self.wiring = Wiring(StandingClock(), {}, Credentials())
        notes = OrderedNotes(self.order)
        self.performer = Performer(
            "CP01", self.wiring, Safekeeping(store, notes), self._publish, notes, learn_time=self._learn_time
        )

    async def attach(self) -> None:
        waiting = self.wiring.wait(1)
        self.wiring.admit(1, "ocpp1.6")
        verdict = await waiting
        assert isinstance(verdict, Admitted)
        await verdict.attach(self.link)

    def _learn_time(self, told: LearnTime) -> None:
        self.order.append(f"learn from {told.upstream}")

    def _publish(self, fact: Fact) -> None:
        self.order.append(f"publish after {len(self.link.written)} written")


class OrderedNotes(Notes):
    """Notes that also stand in the common order."""

    def __init__(self, order: list[str]) -> None:
        super().__init__(StandingClock())
        self._order = order

    def take(self, note: Note, station: str | None = None) -> None:
        super().take(note, station)
        self._order.append(f"log {note.what}")


async def test_nothing_leaves_before_the_commit() -> None:
    store = SlowStore()
    table = Table(store)
    await table.attach()
    effects: list[Effect] = [
        Note("done", "done"),
        LearnTime("operator", RECORD.first_seen, 0.1, StandingClock().moment),
        Publish(ChargerStatus("cp01", online=True)),
        Send(Leg.DOWN, 1, "relayed"),
        Answer(Leg.DOWN, 1, "own answer"),
        SaveStation(RECORD),
    ]
    performing = asyncio.create_task(table.performer.perform([effects]))
    await store.asked.wait()
    for _ in range(20):
        await one_turn()
    assert table.link.written == []
    assert table.order == []
    store.may.set()
    await performing
    assert await table.link.until(2) == ["own answer", "relayed"]
    assert table.order == ["publish after 0 written", "log done", "learn from operator"]
    await table.wiring.stop()


async def test_events_that_wait_share_one_commit() -> None:
    store = MemoryStore()
    table = Table(store)
    await table.performer.perform([[SaveStation(RECORD)], [SaveStation(RECORD)]])
    assert len(store.commits) == 1


async def test_texts_of_several_events_keep_their_order() -> None:
    table = Table(MemoryStore())
    await table.attach()
    await table.performer.perform([[Send(Leg.DOWN, 1, str(number))] for number in range(5)])
    assert await table.link.until(5) == ["0", "1", "2", "3", "4"]
    await table.wiring.stop()
