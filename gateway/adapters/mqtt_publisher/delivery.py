"""What is sent next: retained state first, then the events of meanwhile, and `offline` at the end."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from functools import partial

from paho.mqtt.reasoncodes import ReasonCode

from gateway.adapters.mqtt_publisher.connection import Connection
from gateway.adapters.mqtt_publisher.events import MOST_LOSSES, Event, EventQueue
from gateway.adapters.mqtt_publisher.options import Pace
from gateway.adapters.mqtt_publisher.retained import RetainedState
from gateway.adapters.mqtt_publisher.troubles import Troubles
from gateway.core.message import Message
from gateway.runtime.ports import Clock

log = logging.getLogger(__name__)

EVENT_SLOT_S = 0.1
"""Events are let through in small lots: a timer for each would cost a Pi more than the events."""

MAY_BE_ALLOWED_LATER = (0x87, 0x97)
"""Not authorized, quota exceeded: what the broker says no to today it may take tomorrow. Any other no is final."""


class Delivery:
    """Fills the window of the connection that stands, if one does; never blocks."""

    def __init__(self, birth: Message, clock: Clock, pace: Pace, *, quiet: bool) -> None:
        self.counters: Counter[str] = Counter()
        """Messages published; denied (the broker said no), oversized, unfit; and of events those refused for good, and
        dropped because too many waited. Since the start."""
        self.drained = asyncio.Event()
        """Set when the broker answered the last message, and all that was sent before it unless time ran out."""
        self._clock = clock
        self._pace = pace
        self._quiet = quiet
        self._retained = RetainedState(birth)
        self._events = EventQueue(pace)
        self._troubles = Troubles()
        self._link: Connection | None = None
        self._pump_planned = False
        self._retry: asyncio.TimerHandle | None = None
        self._per_slot = max(1, round(pace.events_per_s * EVENT_SLOT_S))
        self._slot_left = self._per_slot
        self._slot: asyncio.TimerHandle | None = None
        self._dropped = 0
        self._last: Message | None = None
        self._hurried = False
        self._sealed = False
        self._last_told = False

    @property
    def events_waiting(self) -> int:
        """Events that the broker has not acknowledged."""
        return len(self._events)

    def put(self, message: Message) -> None:
        """Send as soon as may be: a retained message instead of what waits on its topic, an event after its like."""
        if message.retain:
            self._retained.put(message)
        else:
            self._overflowed(self._events.put(message, self._clock.now().monotonic))
        self._pump_soon()

    def finish(self, last: Message) -> None:
        """Send this after everything that waits, and nothing after it; `drained` tells when it is done."""
        self._last = last
        self._pump()

    def hurry(self) -> None:
        """The time is over: the last message goes before the events that still wait."""
        self._hurried = True
        self._pump()

    def attach(self, link: Connection) -> None:
        """A broker is there."""
        self._link = link
        self._quiet = False
        self._retained.renew()
        self._events.retry()
        self._pump()

    def detach(self, link: Connection) -> None:
        """The broker is gone: what was on its way may be lost."""
        self._link = None
        in_flight = link.in_flight
        self._retained.lost(message.topic for message in in_flight if message.retain)
        poison = self._events.lost(blamed=bool(in_flight) and not in_flight[0].retain)
        if poison is not None:
            self.counters["refused"] += 1
            text = f"{MOST_LOSSES} connections ended at it, so this one is given up; see the broker's log"
            self._troubles.tell(poison.message.topic, text)

    def end(self) -> None:
        """The process ends: say what is lost with it."""
        if self._events:
            level = logging.INFO if self._quiet else logging.WARNING
            text = "MQTT: %d events did not reach the broker and are lost with this stop; check why it took none"
            log.log(level, text, len(self._events))

    # ------------------------------------------------------------------------------------------------------- sending

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
        while link.has_room() and not self._sealed and self._send_next(link):
            pass
        # A broker that answers the last one and not the events before it gets no more time than they had.
        if self._sealed and (not link.in_flight or (self._hurried and self._last_told)):
            self.drained.set()

    def _send_next(self, link: Connection) -> bool:
        """Send one message; False if there is nothing to send now."""
        state = self._retained.take()
        if state is not None:
            self._send(link, state, partial(self._state_answered, state.topic))
            return True
        event = self._next_event()
        if event is not None:
            message = self._events.wording(event, self._clock.now().monotonic)
            if not self._send(link, message, partial(self._event_answered, event)):
                self._settle(event)
            return True
        if self._last is not None:
            self._sealed = True
            self._send(link, self._last, partial(self._last_answered, self._last.topic))
            return True
        return False

    def _next_event(self) -> Event | None:
        if self._last is not None:
            return None if self._hurried else self._events.take()  # no pace: nothing is put any more
        event = self._events.take() if self._slot_left else None
        if event is not None:
            self._slot_left -= 1
            if self._slot is None:
                self._slot = asyncio.get_running_loop().call_later(EVENT_SLOT_S, self._next_slot)
        return event

    def _next_slot(self) -> None:
        self._slot = None
        self._slot_left = self._per_slot
        self._pump_soon()

    def _send(self, link: Connection, message: Message, answered: Callable[[ReasonCode], None]) -> bool:
        """False if it cannot be sent, now or ever."""
        try:
            size = link.size(message)
            if size <= link.largest:
                link.publish(message, answered)
                return True
            self.counters["oversized"] += 1
            text = f"{size} bytes, the broker takes {link.largest}; raise its largest packet size"
        except ValueError as error:
            self.counters["unfit"] += 1
            text = f"MQTT cannot carry it ({error}); please report this"
        self._troubles.tell(message.topic, text)
        return False

    # ------------------------------------------------------------------------------------------------------- answers

    def _state_answered(self, topic: str, reason: ReasonCode) -> None:
        if reason.is_failure:
            self._retained.denied(topic)
            self._denied(topic, reason)
        else:
            self.counters["published"] += 1
            self._troubles.over(topic)
            if self._retained.is_cleared(topic) and not self._is_on_its_way(topic):
                self._retained.forget(topic)
        self._pump_soon()

    def _is_on_its_way(self, topic: str) -> bool:
        return self._link is not None and any(message.topic == topic for message in self._link.in_flight)

    def _last_answered(self, topic: str, reason: ReasonCode) -> None:
        self._last_told = True
        self._state_answered(topic, reason)

    def _event_answered(self, event: Event, reason: ReasonCode) -> None:
        topic = event.message.topic
        if reason.value in MAY_BE_ALLOWED_LATER:
            self._events.denied(event)
            self._denied(topic, reason)
        else:
            if reason.is_failure:
                self.counters["refused"] += 1
                self._troubles.tell(topic, f"the broker said {reason}; this one is given up, see the broker's log")
            else:
                self.counters["published"] += 1
                self._troubles.over(topic)
            self._settle(event)
        self._pump_soon()

    def _denied(self, topic: str, reason: ReasonCode) -> None:
        self.counters["denied"] += 1
        minutes = self._pace.denied_s / 60
        text = f"the broker said {reason}; allow it in the broker's rules, next try in {minutes:g} min"
        self._troubles.tell(topic, text)
        if self._retry is None:
            self._retry = asyncio.get_running_loop().call_later(self._pace.denied_s, self._try_denied)

    def _try_denied(self) -> None:
        self._retry = None
        self._retained.retry()
        self._events.retry()
        self._pump_soon()

    # ------------------------------------------------------------------------------------------------------ overflow

    def _overflowed(self, dropped: int) -> None:
        """Said at the first event that is dropped, and once more when the rest is delivered."""
        if dropped and not self._dropped:
            level = logging.INFO if self._quiet else logging.WARNING
            text = (
                "MQTT: too many events wait (%d), so the oldest are dropped from now on; see why the broker takes none"
            )
            log.log(level, text, len(self._events))
        self._dropped += dropped
        self.counters["dropped"] += dropped

    def _settle(self, event: Event) -> None:
        self._events.settled(event)
        if self._dropped and not self._events:
            log.info("MQTT: the events that waited are delivered; %d had been dropped", self._dropped)
            self._dropped = 0
