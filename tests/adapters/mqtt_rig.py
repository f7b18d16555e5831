"""A publisher that runs, with a pace made for tests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Self

from gateway.adapters.clock import SystemClock
from gateway.adapters.mqtt_publisher import Broker, MqttPublisher, Pace
from gateway.core.message import Message
from gateway.runtime.ports import PublisherState
from tests.counts import PATIENCE_S

BASE = "acme/depot3/evgate"
ONLINE = Message("status", "online")
OFFLINE = Message("status", "offline")

# Reconnects at once, and takes every connection for a long one.
PACE = Pace(watch_s=0.05, retry_base_s=0.05, retry_cap_s=0.1, refused_s=0.1, short_life_s=0, will_delay_s=0)


def broker_at(port: int, **changes: Any) -> Broker:
    """A broker on loopback, with what the test adds."""
    plain = Broker("127.0.0.1", port, "evgate-depot3-0badcafe", BASE, birth=ONLINE, will=OFFLINE)
    return replace(plain, **changes)


def event(number: int, topic: str = "event/status/cp01/1") -> Message:
    """An event with a number of the test's own; one that had to wait says `replayed`."""
    return Message(topic, f'{{"n":{number}}}', retain=False, late=f'{{"n":{number},"replayed":true}}')


class Rig:
    """A publisher, and a way to wait for its state."""

    def __init__(self, broker: Broker, pace: Pace, *, quiet: bool) -> None:
        self.changes: list[PublisherState] = []
        """The state at each call of `on_change`."""
        self.said_on_change: list[Message] = []
        """What is put from within `on_change`, as the gateway does with its own state."""
        self.publisher = MqttPublisher(broker, SystemClock(), self._changed, quiet=quiet, pace=pace)
        self.put = self.publisher.put
        self.stop = self.publisher.stop
        self.state = self.publisher.state
        self.counters = self.publisher.counters
        self.task = asyncio.create_task(self.publisher.run())
        self._news = asyncio.Event()

    async def until(self, wanted: Callable[[PublisherState], bool]) -> PublisherState:
        """Wait for a state, present or to come with a change of the connection."""
        async with asyncio.timeout(PATIENCE_S):
            while not wanted(self.state()):
                self._news.clear()
                await self._news.wait()
        return self.state()

    async def connected(self) -> PublisherState:
        """Wait for a connection."""
        return await self.until(lambda state: state.connected)

    async def lost(self) -> PublisherState:
        """Wait for the connection to go."""
        return await self.until(lambda state: not state.connected)

    async def vanish(self) -> None:
        """Drop the socket as a killed process would."""
        self.task.cancel()
        await asyncio.wait((self.task,))

    def _changed(self) -> None:
        self.changes.append(self.state())
        for message in self.said_on_change:
            self.put(message)
        self._news.set()


class Lines(logging.Handler):
    """`with Lines() as lines`: what the publisher logs, debug included, and a way to wait for it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []
        self._logger = logging.getLogger("gateway.adapters.mqtt_publisher")
        self._news = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """From the logger."""
        self.records.append(record)
        self._news.set()

    async def until(self, count: int) -> None:
        """Wait for so many lines."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.records) < count:
                self._news.clear()
                await self._news.wait()

    def texts(self, level: int) -> list[str]:
        """The lines of this level or above."""
        return [record.getMessage() for record in self.records if record.levelno >= level]

    def __enter__(self) -> Self:
        self._logger.addHandler(self)
        self._level = self._logger.level
        self._logger.setLevel(logging.DEBUG)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.setLevel(self._level)
        self._logger.removeHandler(self)


@asynccontextmanager
async def running(broker: Broker, pace: Pace = PACE, *, quiet: bool = False) -> AsyncIterator[Rig]:
    """A publisher that runs until the end of the block; what it died of fails the test."""
    rig = Rig(broker, pace, quiet=quiet)
    try:
        yield rig
    finally:
        await rig.vanish()
        if not rig.task.cancelled():
            rig.task.result()


class Gauge:
    """Lets a script hand values to its test."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[object] = asyncio.Queue()

    def tell(self, value: object) -> None:
        """From the script."""
        self.queue.put_nowait(value)

    async def told(self) -> object:
        """To the test."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.queue.get()
