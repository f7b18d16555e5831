"""A station's inbox: everything that happens to it waits here, in order, stamped with the moment it happened."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from gateway.core.events import Event, FrameReceived
from gateway.core.frames import Frame
from gateway.core.moment import Moment

MOST_CALLS_WAITING = 64
"""More than any charger has open; a reader that finds so many stops reading its socket. Only CALLs count: answers,
closes and timers are always taken, or a gateway that waits for an answer could wait for ever."""


@dataclass(slots=True)
class Inbox:
    """One reader (the station's task), many writers."""

    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever room may have been made, here or in a leg's queue."""
    calls: int = 0
    _waiting: deque[tuple[Event, Moment]] = field(default_factory=deque)
    _filled: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def has_room(self) -> bool:
        """May another CALL be read?"""
        return self.calls < MOST_CALLS_WAITING

    @property
    def oldest(self) -> Moment | None:
        """When the event that waits for longest happened; None while none waits."""
        return self._waiting[0][1] if self._waiting else None

    def put(self, event: Event, at: Moment) -> None:
        """Add an event; never refuses one."""
        if isinstance(event, FrameReceived) and takes_room(event.frame):
            self.calls += 1
        self._waiting.append((event, at))
        self._filled.set()

    async def take(self) -> list[tuple[Event, Moment]]:
        """Everything that waits; waits for the first."""
        await self._filled.wait()
        taken = list(self._waiting)
        self._waiting.clear()
        self._filled.clear()
        self.calls = 0
        self.changed.set()
        return taken


def takes_room(frame: Frame) -> bool:
    """Does this frame count against the limit?"""
    return not frame.is_answer
