"""The loop of one station: what it did is kept in the message log, and a bug that its charger wakes stays with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.core.events import ChargerArrived, Leg, LegHeard, StopRequested
from gateway.core.own_id import OwnIds
from gateway.core.ports import Reading
from gateway.core.station import Station
from gateway.core.tags import Tags
from gateway.dialects import Dialect16
from gateway.runtime.credentials import Credentials
from gateway.runtime.gate import HostGate
from gateway.runtime.message_log import MessageLog
from gateway.runtime.notes import Notes
from gateway.runtime.perform import Performer
from gateway.runtime.ports import Admitted, Change, LinkEvents
from gateway.runtime.safekeeping import Safekeeping
from gateway.runtime.station_task import StationTask
from gateway.runtime.wiring import Upstream, Wiring
from tests.fakes.clock import StandingClock
from tests.fakes.dialer import ScriptedDialer
from tests.fakes.doors import within
from tests.fakes.link import MemoryLink
from tests.fakes.memory_store import MemoryStore
from tests.runtime.house import POLICY, QUIRKS, House, arrival, until


class BrokenDialect(Dialect16):
    """Has a bug in one action."""

    def read_call(self, action: str, payload: Mapping[str, Any]) -> Reading:
        if action == "Boom":
            raise RuntimeError("a bug")
        return super().read_call(action, payload)


async def test_a_bug_ends_one_connection_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    house = House()
    house.stations.dialects = {"ocpp1.6": BrokenDialect()}
    await house.stations.start()
    victim = await house.connect("CP01")
    other = await house.connect("CP02")
    await victim.from_charger.text('[2,"1","Boom",{}]')
    await until(lambda: victim.down.closed is not None and victim.up.closed is not None)
    assert victim.down.closed == (1011, "internal error")
    assert house.notes.counters["internal_error"] == 1
    assert "a bug" in caplog.text
    await other.from_charger.text('[2,"1","Heartbeat",{}]')
    assert await other.up.until(1) == ['[2,"1","Heartbeat",{}]']
    again = await house.connect("CP01")
    await again.from_charger.text('[2,"2","Heartbeat",{}]')
    assert await again.up.until(1) == ['[2,"2","Heartbeat",{}]']
    await house.stations.stop()


class LeakyStore(MemoryStore):
    """Raises what the port does not allow."""

    async def commit(self, changes: Sequence[Change]) -> None:
        raise OSError("not of the port")


async def test_a_bug_while_effects_are_carried_out_leaves_the_station_usable(caplog: pytest.LogCaptureFixture) -> None:
    house = House(store=LeakyStore())
    await house.stations.start()
    house.dialer.accepts()
    assert (await house.refuse("CP01")).status == 503
    assert house.notes.counters["internal_error"] == 1
    assert "not of the port" in caplog.text
    house.stations.safekeeping.store = house.store = MemoryStore()
    assert await house.connect("CP01")
    await house.stations.stop()


# One station by itself


@dataclass
class Alone:
    """A station's task and everything it was handed."""

    store: MemoryStore = field(default_factory=MemoryStore)
    clock: StandingClock = field(default_factory=StandingClock)
    dialer: ScriptedDialer = field(default_factory=ScriptedDialer)
    messages: MessageLog = field(default_factory=MessageLog)
    task: StationTask = field(init=False)

    def __post_init__(self) -> None:
        dialects = {"ocpp1.6": BrokenDialect()}
        now = self.clock.now()
        station = Station("CP01", "cp01", "cp01", POLICY, None, dialects, QUIRKS, Tags(), OwnIds(b"seed"), now)
        wiring = Wiring(self.clock, {"operator": Upstream(self.dialer, HostGate())}, Credentials())
        notes = Notes(self.clock)
        performer = Performer("CP01", wiring, Safekeeping(self.store, notes), lambda _: None, notes)
        self.task = StationTask(station, wiring, performer, messages=self.messages)

    async def connect(self) -> tuple[LinkEvents, LinkEvents]:
        """Bring the charger in; how its links report."""
        up = self.dialer.accepts()
        generation = self.task.next_generation()
        verdict = self.task.wiring.wait(generation)
        self.task.wiring.post(ChargerArrived(generation, arrival()))
        admitted = await within(verdict)
        assert isinstance(admitted, Admitted)
        down_events = await admitted.attach(MemoryLink())
        await until(lambda: up.events is not None)
        assert up.events is not None
        return down_events, up.events

    async def told(self) -> list[Mapping[str, Any]]:
        """The message log, once the task has nothing left to do."""
        await until(lambda: self.task.waiting_since is None)
        return [entry async for entry in self.messages.entries("CP01")]


@asynccontextmanager
async def alone(store: MemoryStore | None = None) -> AsyncIterator[Alone]:
    """The task runs; afterwards it is stopped."""
    here = Alone(store or MemoryStore())
    running = asyncio.create_task(here.task.run())
    yield here
    here.task.wiring.post(StopRequested())
    await within(running)
    await here.task.wiring.stop()


async def test_what_passed_is_kept_in_the_message_log() -> None:
    async with alone() as here:
        from_charger, from_upstream = await here.connect()
        await from_charger.text('[2,"1","Heartbeat",{}]')
        await from_upstream.text('[3,"1",{"currentTime":"x"}]')
        connected, asked, answered = await here.told()
        assert connected["note"].startswith("connected from 10.0.0.31:40000")
        assert asked.items() >= {"from": "charger", "to": "upstream", "action": "Heartbeat"}.items()
        assert answered.items() >= {"from": "upstream", "to": "charger", "action": "Heartbeat"}.items()


async def test_a_text_that_woke_a_bug_is_kept_with_what_became_of_it() -> None:
    async with alone() as here:
        from_charger, _ = await here.connect()
        await from_charger.text('[2,"1","Boom",{}]')
        *_, boom = await here.told()
        assert (boom["done"], boom["text"]) == ("not relayed", '[2,"1","Boom",{}]')
        assert boom["note"] == "internal error, the charger's connection is closed; it will redial"


async def test_an_event_waits_until_its_effects_are_carried_out() -> None:
    store = StuckStore()
    async with alone(store) as here:
        first = here.clock.now()
        connecting = asyncio.create_task(here.connect())
        await within(store.asked.wait())
        here.clock.move(7)
        here.task.wiring.post(LegHeard(Leg.DOWN, 99))
        assert here.task.waiting_since == first
        assert [entry async for entry in here.messages.entries()] == []
        store.free.set()
        await within(connecting)
        await here.told()


class StuckStore(MemoryStore):
    """Does not answer until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.free = asyncio.Event()

    async def commit(self, changes: Sequence[Change]) -> None:
        self.asked.set()
        await self.free.wait()
        await super().commit(changes)
