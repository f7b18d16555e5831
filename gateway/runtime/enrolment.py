"""What an operator decides about chargers: to take one out of the quarantine, or to forget one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches

from gateway.core.effects import Level
from gateway.core.identity import typed
from gateway.core.record import Standing, StationRecord, identity_key
from gateway.core.redact import excerpt
from gateway.core.slug import slug
from gateway.core.station import Station
from gateway.runtime.stations import Stations


class NotDone(Exception):
    """The decision could not be carried out; the message ends with what to do next."""


@dataclass(slots=True)
class Enrolment:
    """Each decision takes effect without a restart, is durable before it is confirmed, and is told in the log."""

    stations: Stations

    async def adopt(self, identity: str) -> str:
        """Let a charger in from now on. Returns what was done, in a sentence; raises NotDone."""
        async with self.stations.deciding:
            return await self._adopt(identity)

    async def forget(self, identity: str, force: bool) -> str:
        """Treat a charger as never seen. `force`: also while it is connected. Returns what was done; raises NotDone."""
        async with self.stations.deciding:
            return await self._forget(identity, force)

    async def _adopt(self, identity: str) -> str:
        key, name = identity_key(identity), excerpt(identity, 80)
        if key in self.stations.directory.configured:
            raise NotDone(f"{name} stands in the configuration already: nothing is left to do")
        known = self.stations.find(identity)
        if known is not None and known.record is not None:
            raise NotDone(f"{name} is known already ({known.record.standing.value}): nothing is left to do")
        seen = self.stations.quarantine.find(identity)
        if seen is None and not self.stations.safekeeping.read:
            problem = self.stations.safekeeping.problem
            raise NotDone(f"{name} cannot be adopted now, because the store cannot be used: {problem}")
        if seen is None:
            raise NotDone(f"nobody knocks under the identity {name}: {self._advice(identity)}")
        record = self.stations.dormant(key) or self._new_record(seen.identity)
        await self.stations.adopt(replace(record, standing=Standing.ADOPTED))
        self.stations.notes.say("adopted", "adopted by an operator: it is let in from now on", station=record.identity)
        return f"{excerpt(record.identity, 80)} is adopted; it comes in with its next dial{self._caution()}"

    async def _forget(self, identity: str, force: bool) -> str:
        key, name = identity_key(identity), excerpt(identity, 80)
        configured = self.stations.directory.configured.get(key)
        if configured is not None:
            raise NotDone(f"{name} stands in {configured.where}: remove it there and reload evgate")
        station = self.stations.find(identity)
        listed = self.stations.quarantine.release(identity)
        if station is None and self.stations.dormant(key) is None:
            if not listed:
                raise NotDone(f"{name} is not known: see evgate charger list")
            self.stations.messages.forget(identity)
            self.stations.changed()
            return f"{name} is off the quarantine list; it is listed again when it knocks"
        if station is not None and station.session is not None and not force:
            raise NotDone(_connected(station))
        await self.stations.forget(key)
        self.stations.notes.say("forgotten", "forgotten by an operator", Level.WARNING, identity)
        return f"{name} is forgotten, and its topics are cleared in a minute{self._caution()}"

    def _new_record(self, identity: str) -> StationRecord:
        return StationRecord(identity, slug(identity, self.stations.slugs()), self.stations.clock.now().wall)

    def _advice(self, identity: str) -> str:
        waiting = [entry.identity for entry in self.stations.quarantine.latest(len(self.stations.quarantine))]
        close = get_close_matches(identity, waiting, n=1)
        if close:
            return f"did you mean {typed(close[0])}?"
        return "see evgate charger list; one that never knocked is named in a [[charger]]"

    def _caution(self) -> str:
        problem = self.stations.safekeeping.problem
        return "" if problem is None else f". It is not stored yet: {problem}"


def _connected(station: Station) -> str:
    name = excerpt(station.identity, 80)
    return (
        f"{name} is connected, and its connection would be closed: "
        f"wait until nothing charges there, then use evgate charger forget --force {typed(station.identity)}"
    )
