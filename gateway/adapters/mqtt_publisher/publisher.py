"""The `Publisher` port over one broker: connect, reconnect, tell it states and events, leave in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from functools import partial

from gateway.adapters.mqtt_publisher.connection import Connection
from gateway.adapters.mqtt_publisher.delivery import Delivery
from gateway.adapters.mqtt_publisher.failures import ConnectFailed
from gateway.adapters.mqtt_publisher.options import Broker, Pace
from gateway.adapters.mqtt_publisher.outage import Outage
from gateway.core.message import Message
from gateway.core.moment import Moment
from gateway.runtime.ports import Clock, PublisherState


class MqttPublisher:
    """Retained state on one broker, and events.

    `on_change` is called when the connection came (before anything is published) and when it went. `quiet` is for a
    broker that nobody configured: its absence is told once, as information.
    """

    def __init__(
        self,
        broker: Broker,
        clock: Clock,
        on_change: Callable[[], None],
        *,
        quiet: bool = False,
        pace: Pace | None = None,
    ) -> None:
        self._broker = broker
        self._clock = clock
        self._on_change = on_change
        self._pace = pace or Pace()
        self._outage = Outage(broker, clock, self._pace, quiet=quiet)
        self._delivery = Delivery(broker.birth, clock, self._pace, quiet=quiet)
        self._stopping = asyncio.Event()
        self._link: Connection | None = None
        self._up_since: Moment | None = None
        self._connects = 0

    @property
    def counters(self) -> Counter[str]:
        """Messages published, denied, oversized, unfit; events refused and dropped; since the start."""
        return self._delivery.counters

    def put(self, message: Message) -> None:
        """Publish now or as soon as the broker is there; what is retained replaces what waits on the same topic."""
        self._delivery.put(message)

    def state(self) -> PublisherState:
        """How the connection stands; `protocol` is 5, or 4 for MQTT 3.1.1."""
        return PublisherState(
            connected=self._up_since is not None,
            protocol=self._link.level if self._link and self._up_since else None,
            broker=self._broker.name,
            reconnects=max(0, self._connects - 1),
            connected_since=self._up_since,
            last_error=self._outage.last_error,
            events_waiting=self._delivery.events_waiting,
            events_dropped=self.counters["dropped"],
            events_dead=self.counters["refused"],
        )

    async def run(self) -> None:
        """Connect and serve until `stop`. Cancelled, it drops the socket, and the broker publishes the will."""
        while not self._stopping.is_set():
            self._link = link = Connection(self._broker, self._pace, self._outage.level())
            try:
                delay_s = await self._serve(link)
            finally:
                link.close("given up")
                self._link = None
            await self._pause(delay_s)
            while link.dialling and not self._stopping.is_set():
                await self._pause(self._pace.connect_s)  # a name lookup hangs: one at a time is enough

    async def stop(self, last: Message) -> None:
        """Flush for at most 2 s, `last` at the end, and disconnect; `run` returns then.

        If the broker does not take it in time the socket is dropped, and the broker's will says the same.
        """
        self._stopping.set()
        link = self._link
        if link is not None:
            if self._up_since is not None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pace.flush_s):
                        await self._leave(link, last)
            link.close("stopped")
        self._delivery.end()

    async def _leave(self, link: Connection, last: Message) -> None:
        self._delivery.finish(last)
        drained = asyncio.create_task(self._delivery.drained.wait())
        done = partial(asyncio.wait, (drained, link.ended), return_when=asyncio.FIRST_COMPLETED)
        try:
            if not (await done(timeout=self._pace.flush_events_s))[0]:
                self._delivery.hurry()
                await done()
        finally:
            drained.cancel()
        link.disconnect()
        await asyncio.wait((link.ended,))

    async def _serve(self, link: Connection) -> float:
        """One connection from beginning to end; returns the seconds to wait before the next."""
        try:
            await link.open()
        except ConnectFailed as failure:
            return 0.0 if self._stopping.is_set() else self._outage.failed(failure, link.level)
        self._outage.connected(link.level)
        self._connects += 1
        self._up_since = since = self._clock.now()
        # Asked first, so that what the gateway says of this connection is part of the first burst.
        self._on_change()
        self._delivery.attach(link)
        try:
            reason = await link.ended
        finally:
            self._delivery.detach(link)
            self._up_since = None
        if self._stopping.is_set():
            return 0.0
        delay_s = self._outage.lost(reason, since)
        self._on_change()
        return delay_s

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
