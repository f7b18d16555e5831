"""The watchdog is fed while every charger is served, and only then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from gateway.core.events import Leg, LegHeard, StopRequested
from gateway.core.own_id import OwnIds
from gateway.core.station import Station
from gateway.core.tags import Tags
from gateway.runtime.credentials import Credentials
from gateway.runtime.message_log import MessageLog
from gateway.runtime.notes import Notes
from gateway.runtime.perform import Performer
from gateway.runtime.progress import STUCK_AFTER_S, Loop, Progress
from gateway.runtime.safekeeping import Safekeeping
from gateway.runtime.station_task import StationTask
from gateway.runtime.wiring import Wiring
from tests.fakes.clock import StandingClock
from tests.fakes.doors import within
from tests.fakes.memory_store import MemoryStore
from tests.runtime.house import POLICY, QUIRKS, until
from tests.turns import one_turn


class Manager:
    """Obeys the `Notifier` port; counts the signs of life."""

    def __init__(self) -> None:
        self.signs = 0
        self.heard = asyncio.Event()

    def ready(self, status: str) -> None:
        raise AssertionError(status)

    def status(self, status: str) -> None:
        raise AssertionError(status)

    def stopping(self) -> None:
        raise AssertionError

    def alive(self) -> None:
        self.signs += 1
        self.heard.set()


class HangingPerformer(Performer):
    """Waits for something that never comes."""

    async def perform(self, batch: object) -> None:
        await asyncio.Event().wait()


class FailingPerformer(Performer):
    """Fails in a way that nobody foresaw, and again when that is to be cleared up."""

    async def perform(self, batch: object) -> None:
        raise RuntimeError("a bug")


@dataclass
class Site:
    """Stations that run, and what watches them."""

    watchdog_s: float | None = 30.0
    clock: StandingClock = field(default_factory=StandingClock)
    manager: Manager = field(default_factory=Manager)
    loops: list[Loop] = field(default_factory=list)
    accepting: bool = True
    progress: Progress = field(init=False)

    def __post_init__(self) -> None:
        self.progress = Progress(self.clock, self.manager, lambda: self.loops, lambda: self.accepting, self.watchdog_s)

    def add(self, identity: str = "CP01", performs: type[Performer] = Performer) -> StationTask:
        """One more station."""
        now = self.clock.now()
        station = Station(identity, identity, identity, POLICY, None, {}, QUIRKS, Tags(), OwnIds(b"seed"), now)
        wiring = Wiring(self.clock, {}, Credentials())
        notes = Notes(self.clock)
        safekeeping = Safekeeping(MemoryStore(), notes)
        performer = performs(identity, wiring, safekeeping, lambda _: None, notes)
        task = StationTask(station, wiring, performer, MessageLog())
        self.loops.append((task, asyncio.create_task(task.run())))
        return task

    def fed(self) -> bool:
        """Is the watchdog fed when it is looked now?"""
        before = self.manager.signs
        self.progress.look()
        return self.manager.signs > before


@asynccontextmanager
async def site(watchdog_s: float | None = 30.0) -> AsyncIterator[Site]:
    """Afterwards nothing runs any more."""
    here = Site(watchdog_s)
    yield here
    for _, running in here.loops:
        running.cancel()
    await asyncio.gather(*(running for _, running in here.loops), return_exceptions=True)


def critical(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was said at that level."""
    return [record.getMessage() for record in caplog.records if record.levelno == logging.CRITICAL]


def sign_of_life(task: StationTask) -> None:
    """Something for a station to do."""
    task.wiring.post(LegHeard(Leg.DOWN, 1))


async def test_fed_while_all_goes_well(caplog: pytest.LogCaptureFixture) -> None:
    async with site() as here:
        task = here.add()
        assert here.fed()
        sign_of_life(task)
        await until(lambda: task.waiting_since is None)
        here.clock.move(10 * STUCK_AFTER_S)
        assert here.fed()
        assert caplog.records == []


async def test_a_station_that_hangs_is_seen_and_named_once(caplog: pytest.LogCaptureFixture) -> None:
    async with site() as here:
        here.add("CP01")
        task = here.add("CP02", HangingPerformer)
        sign_of_life(task)
        for _ in range(3):
            await one_turn()
        here.clock.move(STUCK_AFTER_S)
        assert here.fed()
        here.clock.move(1)
        assert not here.fed()
        here.clock.move(1)
        assert not here.fed()
        [line] = critical(caplog)
        assert line == (
            "station CP02 has not gone on for 31 s: systemd restarts evgate within 30 s unless it goes on by itself; "
            "please report this with the lines before it"
        )


async def test_an_event_that_nobody_takes_is_seen() -> None:
    async with site() as here:
        task = here.add(performs=HangingPerformer)
        sign_of_life(task)
        await one_turn()
        await one_turn()
        here.clock.move(STUCK_AFTER_S / 2)
        sign_of_life(task)
        here.clock.move(STUCK_AFTER_S / 2 + 1)
        assert not here.fed()


async def test_a_task_that_ended_is_seen_with_what_ended_it(caplog: pytest.LogCaptureFixture) -> None:
    async with site(watchdog_s=None) as here:
        here.add("CP01").wiring.post(StopRequested())
        sign_of_life(here.add("CP02", FailingPerformer))
        await until(lambda: all(running.done() for _, running in here.loops))
        assert not here.fed()
        [line] = critical(caplog)
        assert line == (
            "the task of station CP01 has ended; the task of station CP02 has ended: "
            "restart evgate, and please report this with the lines before it"
        )
        assert "RuntimeError: a bug" in caplog.text


async def test_a_task_that_was_cancelled_is_seen() -> None:
    async with site() as here:
        here.add()
        here.loops[0][1].cancel()
        await until(here.loops[0][1].done)
        assert not here.fed()


async def test_a_closed_door_is_seen(caplog: pytest.LogCaptureFixture) -> None:
    async with site() as here:
        here.accepting = False
        assert not here.fed()
        assert critical(caplog)[0].startswith("the listeners take no more chargers: systemd restarts")


async def test_many_at_once_are_one_line(caplog: pytest.LogCaptureFixture) -> None:
    async with site() as here:
        for number in range(200):
            sign_of_life(here.add(f"CP{number}", HangingPerformer))
        await one_turn()
        here.clock.move(STUCK_AFTER_S + 1)
        assert not here.fed()
        [line] = critical(caplog)
        assert "station CP2 has not gone on for 31 s and 197 more like this: systemd" in line


async def test_what_goes_on_by_itself_is_said_and_fed_again(caplog: pytest.LogCaptureFixture) -> None:
    async with site() as here:
        here.accepting = False
        assert not here.fed()
        here.accepting = True
        assert here.fed()
        assert here.fed()
        assert [record.getMessage() for record in caplog.records[1:]] == [
            "chargers are served again, what hung has gone on by itself"
        ]
        here.accepting = False
        assert not here.fed()
        assert len(critical(caplog)) == 2


@pytest.mark.parametrize("watchdog_s", [0.03, None])
async def test_it_looks_again_and_again(watchdog_s: float | None) -> None:
    async with site(watchdog_s) as here:
        here.progress.look_every_s = 0.01
        running = asyncio.create_task(here.progress.run())
        while here.manager.signs < 3:
            here.manager.heard.clear()
            await within(here.manager.heard.wait())
        running.cancel()
