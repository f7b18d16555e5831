"""What stands retained on the broker: the latest message of every topic, and which of them it does not have yet."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict

from gateway.adapters.mqtt_publisher.connection import Connection
from gateway.core.message import Message

log = logging.getLogger(__name__)


class RetainedState:
    """Memory is bounded by the number of topics, whatever the broker does; one that is away or slow gets the latest."""

    def __init__(self, birth: Message, retry_s: float) -> None:
        self.counters: Counter[str] = Counter()
        """Messages published, denied (the broker said no), oversized, unfit; since the start."""
        self.drained = asyncio.Event()
        """Set while the broker has everything that it can be given."""
        self._last_topic = birth.topic
        self._retry_s = retry_s
        self._latest: dict[str, Message] = {birth.topic: birth}
        self._dirty: dict[str, None] = {}
        self._denied: dict[str, None] = {}
        self._troubled: defaultdict[str, set[str]] = defaultdict(set)
        self._link: Connection | None = None
        self._pump_planned = False
        self._retry: asyncio.TimerHandle | None = None

    def put(self, message: Message) -> None:
        """Replace what stands, or waits, on this topic."""
        self._latest[message.topic] = message
        if message.topic not in self._denied:
            self._dirty[message.topic] = None
            self._pump_soon()

    def finish(self, last: Message) -> None:
        """Publish this after everything that waits; `drained` tells when it is done."""
        self._latest[last.topic] = last
        self._dirty.pop(last.topic, None)
        self._dirty[last.topic] = None
        self.drained.clear()
        self._pump()

    def attach(self, link: Connection) -> None:
        """A broker is there: what changed first, then all the rest, then `online`.

        The rest, because a broker may have lost retained messages and still know the session: it saves the two apart,
        and rarely. `online` last, because consumers may believe the states from then on.
        """
        self._link = link
        self._denied.clear()
        self._dirty |= dict.fromkeys(self._latest)
        del self._dirty[self._last_topic]
        self._dirty[self._last_topic] = None
        self._pump()

    def detach(self, link: Connection) -> None:
        """The broker is gone: what was on its way may be lost, so it goes first next time."""
        self._link = None
        self._dirty = dict.fromkeys(link.in_flight) | self._dirty

    def answered(self, topic: str, failure: str | None) -> None:
        """The broker acknowledged a message, or said why it did not take it."""
        if failure is None:
            self.counters["published"] += 1
            self._recovered(topic)
            self._let_go_of_cleared(topic)
        else:
            self.counters["denied"] += 1
            self._dirty.pop(topic, None)
            self._denied[topic] = None
            minutes = self._retry_s / 60
            self._trouble(
                topic, f"the broker said {failure}; allow it in the broker's rules, next try in {minutes:g} min"
            )
            if self._retry is None:
                self._retry = asyncio.get_running_loop().call_later(self._retry_s, self._try_denied)
        self._pump_soon()

    def _let_go_of_cleared(self, topic: str) -> None:
        """The broker keeps nothing on a topic whose last message was empty: nothing has to be told again."""
        on_its_way = self._link is not None and topic in self._link.in_flight
        if not on_its_way and topic not in self._dirty and not self._latest[topic].payload:
            del self._latest[topic]

    def _try_denied(self) -> None:
        self._retry = None
        self._dirty |= self._denied
        self._denied.clear()
        self._pump_soon()

    def _pump_soon(self) -> None:
        """In the next turn of the loop, so that a burst on one topic becomes one message."""
        if self._link is not None and not self._pump_planned:
            self._pump_planned = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        self._pump_planned = False
        link = self._link
        if link is None:
            return
        while self._dirty and link.has_room():
            topic = next(iter(self._dirty))
            del self._dirty[topic]
            self._publish(link, self._latest[topic])
        if not self._dirty and not link.in_flight:
            self.drained.set()

    def _publish(self, link: Connection, message: Message) -> None:
        try:
            size = link.size(message)
            if size > link.largest:
                self.counters["oversized"] += 1
                self._trouble(
                    message.topic, f"{size} bytes, the broker takes {link.largest}; raise its largest packet size"
                )
            else:
                link.publish(message)
        except ValueError as error:
            self.counters["unfit"] += 1
            self._trouble(message.topic, f"MQTT cannot carry it ({error}); please report this")

    def _trouble(self, topic: str, text: str) -> None:
        """Say it once for all topics of a kind: a site's chargers differ in nothing that matters to a broker."""
        kind = kind_of(topic)
        level = logging.DEBUG if self._troubled[kind] else logging.WARNING
        self._troubled[kind].add(topic)
        log.log(level, "MQTT: %s not published: %s", topic, text)

    def _recovered(self, topic: str) -> None:
        kind = kind_of(topic)
        if topic in self._troubled[kind]:
            self._troubled[kind].discard(topic)
            if not self._troubled[kind]:
                log.info("MQTT: %s is published again", topic)


def kind_of(topic: str) -> str:
    """Topics of one kind differ in their ids only: `charger/cp01/state` and `charger/cp02/state`."""
    first, _, rest = topic.partition("/")
    return f"{first}/…/{rest.rpartition('/')[2]}" if rest else topic
