"""Events that the broker has not acknowledged: each is sent, in order, and again after a lost connection.

They are kept in memory, and end with the process.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field, replace

from gateway.adapters.mqtt_publisher.options import Pace
from gateway.core.message import Message

MOST_LOSSES = 5
"""A connection that ends so often at the same event ends because of it: brokers of 3.1.1 hang up on what they dislike.
Restarts of a broker hardly ever meet the same event twice."""


@dataclass(order=True, slots=True)
class Event:
    """One event; `put_at` is monotonic. `resent`: it was sent before, and nobody knows whether it arrived."""

    number: int
    message: Message = field(compare=False)
    put_at: float = field(compare=False)
    resent: bool = field(default=False, compare=False)
    losses: int = field(default=0, compare=False)

    @property
    def size(self) -> int:
        """Characters that it holds."""
        return len(self.message.payload) + len(self.message.late or "")


class EventQueue:
    """First in, first out for each topic; of all topics the oldest goes first. Bounded: the oldest is dropped."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._waiting: list[Event] = []
        self._denied: defaultdict[str, list[Event]] = defaultdict(list)
        self._sent: dict[int, Event] = {}
        self._count = 0
        self._held = 0
        self._size = 0

    def __len__(self) -> int:
        """Events not acknowledged, those on their way included."""
        return self._held + len(self._sent)

    def put(self, message: Message, now: float) -> int:
        """Add one; returns how many old ones were dropped for it."""
        self._count += 1
        self._hold(Event(self._count, message, now), self._waiting)
        dropped = 0
        while self._held > self._pace.events_held or self._size > self._pace.events_size:
            self._drop_oldest()
            dropped += 1
        return dropped

    def take(self) -> Event | None:
        """The next to be sent, None if there is none; from now on it is on its way."""
        while self._waiting:
            event = self._release(self._waiting)
            topic = event.message.topic
            if topic not in self._denied:
                self._sent[event.number] = event
                return event
            self._hold(event, self._denied[topic])
        return None

    def wording(self, event: Event, now: float) -> Message:
        """What to send: the late text if it had to wait, or may have been received before."""
        message = event.message
        late = event.resent or now - event.put_at > self._pace.late_s
        return replace(message, payload=message.late) if late and message.late is not None else message

    def settled(self, event: Event) -> None:
        """The broker has it, or will never take it."""
        del self._sent[event.number]

    def denied(self, event: Event) -> None:
        """The broker said no: it waits for `retry`, and so does all that follows on its topic."""
        self.settled(event)
        self._hold(event, self._denied[event.message.topic])

    def retry(self) -> None:
        """What was denied is tried again, in its old order."""
        for events in self._denied.values():
            self._waiting += events
        heapq.heapify(self._waiting)
        self._denied.clear()

    def lost(self, *, blamed: bool) -> Event | None:
        """The connection ended: what was on its way is sent again. `blamed`: the oldest was next to be acknowledged.

        Returns the oldest if it was blamed too often, and is given up.
        """
        sent = list(self._sent.values())
        self._sent.clear()
        poison = None
        for event in sent:
            event.resent = True
            if blamed and event is sent[0]:
                event.losses += 1
                if event.losses >= MOST_LOSSES:
                    poison = event
                    continue
            self._hold(event, self._waiting)
        return poison

    def _hold(self, event: Event, events: list[Event]) -> None:
        heapq.heappush(events, event)
        self._held += 1
        self._size += event.size

    def _release(self, events: list[Event]) -> Event:
        event = heapq.heappop(events)
        self._held -= 1
        self._size -= event.size
        return event

    def _drop_oldest(self) -> None:
        oldest = min((events for events in (self._waiting, *self._denied.values()) if events), key=lambda it: it[0])
        self._release(oldest)
        for topic in [topic for topic, events in self._denied.items() if not events]:
            del self._denied[topic]
