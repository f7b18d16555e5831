"""One task owns one station: it takes events from the inbox, asks the core, and has the effects performed."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from gateway.core.effects import Effect, Level, Note
from gateway.core.events import Event, StopRequested
from gateway.core.moment import Moment
from gateway.core.station import Station
from gateway.runtime.message_log import MessageLog
from gateway.runtime.perform import Performer
from gateway.runtime.wiring import Wiring

LOG = logging.getLogger("gateway.runtime")


@dataclass(slots=True)
class StationTask:
    """The loop of one station. `generation` numbers the sockets that arrive."""

    station: Station
    wiring: Wiring
    performer: Performer
    messages: MessageLog
    generation: int = 0
    _taken: Moment | None = None
    """When the first of the events under way happened."""

    def next_generation(self) -> int:
        """The number of the next socket."""
        self.generation += 1
        return self.generation

    @property
    def waiting_since(self) -> Moment | None:
        """When the oldest event that is not done with happened; None while there is nothing to do."""
        return self._taken or self.wiring.inbox.oldest

    async def run(self) -> None:
        """Until `StopRequested` has been handled."""
        while True:
            taken = await self.wiring.inbox.take()
            self._taken = taken[0][1]
            current = [(event, at) for event, at in taken if self.wiring.is_current(event)]
            await self._do([(event, at, self._handle(event, at)) for event, at in current])
            self._taken = None
            if any(isinstance(event, StopRequested) for event, _ in current):
                return

    async def _do(self, handled: list[tuple[Event, Moment, list[Effect]]]) -> None:
        try:
            await self.performer.perform([effects for _, _, effects in handled])
            for event, at, effects in handled:
                self.messages.take(self.station.identity, at, event, effects)
        except Exception:
            LOG.exception("internal error while carrying out effects; please report this with the lines before it")
            await self.performer.perform([self._confess()])

    def _handle(self, event: Event, at: Moment) -> list[Effect]:
        """A bug met with one charger must not stop the others: that charger's connection ends, and is counted."""
        try:
            return self.station.handle(event, at)
        except Exception:
            LOG.exception("internal error in %s; please report this with the lines before it", type(event).__name__)
            return self._confess()

    def _confess(self) -> list[Effect]:
        text = "internal error, the charger's connection is closed; it will redial"
        return [*self.station.forget_connection(), Note("internal_error", text, Level.ERROR)]
