"""Who is there: every station of the site, found by identity; the door at which chargers knock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from gateway.core.door import Quarantine, Unknown
from gateway.core.effects import Effect, Level
from gateway.core.events import Arrival, ChargerArrived, ChargerVanished, StopRequested
from gateway.core.facts import Fact
from gateway.core.own_id import OwnIds
from gateway.core.policy import StationPolicy
from gateway.core.ports import Dialect
from gateway.core.record import StationRecord, identity_key
from gateway.core.slug import slug
from gateway.core.station import Station
from gateway.runtime.credentials import Credentials
from gateway.runtime.notes import Notes
from gateway.runtime.perform import Performer
from gateway.runtime.ports import Admitted, Clock, Refused
from gateway.runtime.safekeeping import Safekeeping
from gateway.runtime.station_task import StationTask
from gateway.runtime.wiring import Upstream, Wiring

MOST_STATIONS = 1000
"""Five times the largest site; beyond it somebody makes identities up, and each costs memory."""

STOP_WITHIN_S = 2.5
"""Half of the shutdown's 5 s; the other half belongs to the broker and the store."""


@dataclass(frozen=True, slots=True)
class Configured:
    """One `[[charger]]`."""

    identity: str
    policy: StationPolicy
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Directory:
    """What the configuration says about who may come in."""

    unknown: Unknown
    anyone: StationPolicy
    configured: Mapping[str, Configured] = field(default_factory=dict)
    """By identity key."""

    def policy(self, key: str) -> StationPolicy:
        """The policy of one identity, configured or not."""
        configured = self.configured.get(key)
        return configured.policy if configured else self.anyone


@dataclass(slots=True)
class Stations:
    """Implements the `Doors` port. All stations share what is handed in here, and nothing else."""

    clock: Clock
    safekeeping: Safekeeping
    publish: Callable[[Fact], None]
    notes: Notes
    directory: Directory
    upstreams: Mapping[str, Upstream]
    credentials: Credentials
    dialects: Mapping[str, Dialect]
    seed: bytes
    quarantine: Quarantine = field(default_factory=Quarantine)
    open: bool = False
    _stations: dict[str, StationTask] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Station]:
        return iter([task.station for task in self._stations.values()])

    def known(self) -> list[Station]:
        """Those configured, and those let in before; not who merely knocks."""
        configured = self.directory.configured
        return [task.station for key, task in self._stations.items() if key in configured or not task.station.idle]

    async def start(self) -> None:
        """Bring back the stations known from before, and those configured; then the door may open."""
        await self.learn(await self.safekeeping.begin())
        for key, configured in self.directory.configured.items():
            if key not in self._stations:
                await self._announce(self._create(configured.identity, None))
        self.open = True

    async def learn(self, records: list[StationRecord]) -> None:
        """These rows stand in the store: take in who is not known yet."""
        for record in records:
            task = self._stations.get(record.key)
            if task is None:
                await self._announce(self._create(record.identity, record))
            else:
                task.station.learn(record)

    async def stop(self) -> None:
        """Close every connection; returns within `STOP_WITHIN_S`, whatever the peers do."""
        self.open = False
        for task in self._stations.values():
            task.wiring.post(StopRequested())
        stopping = [self._stop_one(key, task) for key, task in self._stations.items()]
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await asyncio.gather(*stopping)
        except TimeoutError:
            self.notes.say("stop_forced", "some sockets did not close in time and were dropped", Level.WARNING)

    async def _stop_one(self, key: str, task: StationTask) -> None:
        await asyncio.wait([self._tasks[key]])
        await task.wiring.stop()

    async def arrive(self, arrival: Arrival) -> Admitted | Refused:
        """A charger knocks. Cancelled when its socket goes away meanwhile."""
        if not self.open:
            return Refused(503, "the gateway is starting or stopping, try again")
        key = identity_key(arrival.identity)
        task = self._stations.get(key)
        if task is None:
            refused = self._judge_stranger(arrival)
            if refused is not None:
                return refused
            task = self._create(arrival.identity, None)
        generation = task.next_generation()
        verdict = task.wiring.wait(generation)
        task.wiring.post(ChargerArrived(generation, arrival))
        try:
            return await verdict
        except asyncio.CancelledError:
            task.wiring.post(ChargerVanished(generation))
            raise

    def misfit(self, what: str, remote: str, text: str) -> None:
        """Something on the port that is no charger's upgrade."""
        host = remote.rpartition(":")[0]
        self.notes.say(what, f"{text} (from {remote})", Level.WARNING, REMOTE=remote, REMOTE_HOST=host)

    def _judge_stranger(self, arrival: Arrival) -> Refused | None:
        """What `[chargers] unknown` says of an identity that is not known; None lets it try."""
        if not self.safekeeping.read and self.directory.unknown is not Unknown.ACCEPT:
            text = "the gateway cannot read which chargers it knows: see its log for what is wrong with the store"
            self.misfit("known_chargers_unread", arrival.remote, text)
            return Refused(503, text)
        if self.directory.unknown is Unknown.ACCEPT:
            self._sweep()
            if len(self._stations) < MOST_STATIONS:
                return None
            self.misfit(
                "too_many_stations",
                arrival.remote,
                f"{MOST_STATIONS} identities already, no more are taken in",
            )
            return Refused(503, "the gateway has no room for another charger")
        hint = f'add [[charger]] with identity = "{arrival.identity}" to gateway.toml and restart evgate'
        if self.directory.unknown is Unknown.REFUSE:
            self.misfit("unknown_refused", arrival.remote, f"unknown charger {arrival.identity!r} refused: {hint}")
            return Refused(404, "unknown identity: ask the site's installer to add this charger")
        seen = self.quarantine.keep_out(arrival, self.clock.now())
        level = Level.WARNING if seen.attempts == 1 else Level.DEBUG
        text = f"unknown charger from {arrival.remote} kept in quarantine (attempt {seen.attempts}): {hint}"
        self.notes.say("quarantined", text, level, arrival.identity, REMOTE=arrival.remote)
        return Refused(404, "unknown identity: ask the site's installer to add this charger")

    def _create(self, identity: str, record: StationRecord | None) -> StationTask:
        key = identity_key(identity)
        configured = self.directory.configured.get(key)
        taken = {station.slug for station in self} | {station.own_slug for station in self}
        taken |= {charger.alias for charger in self.directory.configured.values() if charger.alias}
        own_slug = record.slug if record else slug(identity, taken)
        name = configured.alias if configured else None
        station = Station(
            identity=identity,
            slug=name or (own_slug if own_slug not in taken else slug(identity, taken)),
            own_slug=own_slug,
            policy=self.directory.policy(key),
            record=record,
            dialects=self.dialects,
            own_ids=OwnIds(self.seed + key.encode("utf-8", "surrogatepass")),
            created=self.clock.now(),
        )
        wiring = Wiring(self.clock, self.upstreams, self.credentials)
        performer = Performer(identity, wiring, self.safekeeping, self.publish, self.notes)
        task = self._stations[key] = StationTask(station, wiring, performer)
        self._tasks[key] = asyncio.create_task(task.run(), name=f"station {identity}")
        return task

    async def _announce(self, task: StationTask) -> None:
        effects: list[Effect] = task.station.announce(self.clock.now())
        await task.performer.perform([effects])

    def _sweep(self) -> None:
        """Forget identities that knocked once and were never let in."""
        for key, task in list(self._stations.items()):
            if task.station.idle and task.wiring.quiet and key not in self.directory.configured:
                self._tasks.pop(key).cancel()
                del self._stations[key]
