"""Who is there: every station of the site, found by identity; the door at which chargers knock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from shlex import quote

from gateway.core.door import Quarantine, Unknown
from gateway.core.effects import Effect, LearnTime, Level
from gateway.core.events import Arrival, ChargerArrived, ChargerVanished, PolicyChanged, StopRequested
from gateway.core.facts import ChargerForgotten, Fact
from gateway.core.own_id import OwnIds
from gateway.core.ports import Dialect
from gateway.core.record import Standing, StationRecord, identity_key
from gateway.core.slug import slug
from gateway.core.station import Station
from gateway.runtime.credentials import Credentials
from gateway.runtime.directory import Directory
from gateway.runtime.message_log import MessageLog
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


CLEAR_AFTER_S = 60.0
"""A charger taken out of the configuration by mistake is back within a minute, and its consumers saw nothing."""

DISMISSED = 1008
"""Policy violation (RFC 6455 7.4.1): the charger is not expected here any more."""


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
    messages: MessageLog = field(default_factory=MessageLog)
    learn_time: Callable[[LearnTime], None] = lambda _: None
    """Hears what the answers of upstreams tell of the time."""
    quarantine: Quarantine = field(default_factory=Quarantine)
    open: bool = False
    changed: Callable[[], None] = lambda: None
    """Called when somebody was put into quarantine, taken in or let go."""
    _stations: dict[str, StationTask] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _dormant: dict[str, StationRecord] = field(default_factory=dict)
    """Rows of chargers that came because the configuration named them, and that it does not name any more."""
    _clearing: dict[str, tuple[asyncio.TimerHandle, ChargerForgotten]] = field(default_factory=dict)
    """What will be cleared on MQTT, by slug."""

    def __iter__(self) -> Iterator[Station]:
        return iter([task.station for task in self._stations.values()])

    def find(self, identity: str) -> Station | None:
        """The station of this identity, in whatever spelling."""
        task = self._stations.get(identity_key(identity))
        return task.station if task else None

    def loops(self) -> list[tuple[StationTask, asyncio.Task[None]]]:
        """Every station with the task that runs it."""
        return [(task, self._tasks[key]) for key, task in self._stations.items()]

    def known(self) -> list[Station]:
        """Those configured, and those let in before; not who merely knocks."""
        configured = self.directory.configured
        return [task.station for key, task in self._stations.items() if key in configured or not task.station.idle]

    async def start(self) -> None:
        """Bring back the stations known from before, and those configured; then the door may open."""
        await self.learn(await self.safekeeping.begin())
        await self._take_in_configured()
        self.open = True

    async def learn(self, records: list[StationRecord]) -> None:
        """These rows stand in the store: take in who is not known yet."""
        for record in records:
            task = self._stations.get(record.key)
            if task is not None:
                task.station.learn(record)
            elif record.standing is Standing.CONFIGURED and record.key not in self.directory.configured:
                self._dormant[record.key] = record
            else:
                await self.take_in(record.identity, record)

    async def take_in(self, identity: str, record: StationRecord | None) -> None:
        """From now on this charger is known."""
        self.quarantine.release(identity)
        await self._announce(self._create(identity, record))
        self.changed()

    async def let_go(self, key: str, reason: str) -> StationRecord | None:
        """Serve this station no longer; what it left on MQTT is cleared later. Returns what was known of it."""
        task, running = self._stations.pop(key), self._tasks.pop(key)
        task.wiring.post(StopRequested(DISMISSED, reason))
        await self._stop_one(running, task)
        forgotten = ChargerForgotten(task.station.slug, task.station.view.connectors.ids())
        due = asyncio.get_running_loop().call_later(CLEAR_AFTER_S, self._clear, forgotten.charger)
        self._clearing[forgotten.charger] = due, forgotten
        self.changed()
        return task.station.record

    def slugs(self) -> set[str]:
        """Every name that a charger has in topics, or may want back."""
        taken = {station.slug for station in self} | {station.own_slug for station in self}
        taken |= {charger.alias for charger in self.directory.configured.values() if charger.alias}
        return taken | {record.slug for record in self._dormant.values()}

    def dormant(self, key: str) -> StationRecord | None:
        """The row of a charger that is a stranger now; whoever asks takes it over."""
        return self._dormant.pop(key, None)

    async def reconfigure(
        self, directory: Directory, upstreams: Mapping[str, Upstream], moved: Collection[str]
    ) -> None:
        """Other rules hold from now on; `moved` names the upstreams that are dialled in another way than before."""
        before, self.directory, self.upstreams = self.directory, directory, upstreams
        leaving = []
        for key, task in self._stations.items():
            task.wiring.upstreams = upstreams
            if self._lost_its_place(key, task.station) or before.alias(key) != directory.alias(key):
                leaving.append(key)
                continue
            policy = directory.policy(key)
            redial = policy.upstream is not None and policy.upstream.name in moved
            task.wiring.post(PolicyChanged(policy, self._standing(key), redial))
        reason = "the gateway's configuration changed"
        for record in await asyncio.gather(*(self.let_go(key, reason) for key in leaving)):
            if record is not None:
                self._dormant[record.key] = record
        await self._take_in_configured()
        for key in leaving:
            if key in self._dormant and self._dormant[key].standing is not Standing.CONFIGURED:
                await self.take_in(self._dormant[key].identity, self._dormant.pop(key))

    def _lost_its_place(self, key: str, station: Station) -> bool:
        """Was it here only because the configuration named it, and does that no more?"""
        if key in self.directory.configured or self.directory.unknown is Unknown.ACCEPT:
            return False
        return station.record is None or station.record.standing is Standing.CONFIGURED

    async def _take_in_configured(self) -> None:
        for key, configured in self.directory.configured.items():
            if key not in self._stations:
                await self.take_in(configured.identity, self._dormant.pop(key, None))

    def _standing(self, key: str) -> Standing:
        return Standing.CONFIGURED if key in self.directory.configured else Standing.ACCEPTED

    def _clear(self, charger: str) -> None:
        _, forgotten = self._clearing.pop(charger)
        self.publish(forgotten)

    async def stop(self) -> None:
        """Close every connection; returns within `STOP_WITHIN_S`, whatever the peers do."""
        self.open = False
        for charger, (due, _) in list(self._clearing.items()):
            due.cancel()
            self._clear(charger)
        for task in self._stations.values():
            task.wiring.post(StopRequested())
        stopping = [self._stop_one(self._tasks[key], task) for key, task in self._stations.items()]
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await asyncio.gather(*stopping)
        except TimeoutError:
            self.notes.say("stop_forced", "some sockets did not close in time and were dropped", Level.WARNING)

    async def _stop_one(self, running: asyncio.Task[None], task: StationTask) -> None:
        await asyncio.wait([running])
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
            task = self._create(arrival.identity, self._dormant.pop(key, None))
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
        hint = f"let it in with: evgate charger adopt {quote(arrival.identity)}"
        if self.directory.unknown is Unknown.REFUSE:
            text = f"unknown charger {arrival.identity!r} refused: name it in a [[charger]] and reload evgate"
            self.misfit("unknown_refused", arrival.remote, text)
            return Refused(404, "unknown identity: ask the site's installer to add this charger")
        reason = "no longer configured" if identity_key(arrival.identity) in self._dormant else "unknown identity"
        seen = self.quarantine.keep_out(arrival, self.clock.now(), reason)
        self.changed()
        level = Level.WARNING if seen.attempts == 1 else Level.DEBUG
        text = f"unknown charger from {arrival.remote} kept in quarantine (attempt {seen.attempts}): {hint}"
        self.notes.say("quarantined", text, level, arrival.identity, REMOTE=arrival.remote)
        return Refused(404, "unknown identity: ask the site's installer to add this charger")

    def _create(self, identity: str, record: StationRecord | None) -> StationTask:
        key = identity_key(identity)
        configured = self.directory.configured.get(key)
        taken = self.slugs()
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
            standing=self._standing(key),
        )
        if station.slug in self._clearing:
            self._clearing.pop(station.slug)[0].cancel()
        wiring = Wiring(self.clock, self.upstreams, self.credentials)
        performer = Performer(identity, wiring, self.safekeeping, self.publish, self.notes, self.learn_time)
        task = self._stations[key] = StationTask(station, wiring, performer, messages=self.messages)
        self._tasks[key] = asyncio.create_task(task.run(), name=f"station {identity}")
        return task

    async def _announce(self, task: StationTask) -> None:
        effects: list[Effect] = task.station.announce(self.clock.now())
        await task.performer.perform([effects])

    def _sweep(self) -> None:
        """Forget identities that knocked once and were never let in."""
        for key, task in list(self._stations.items()):
            if task.station.idle and task.wiring.quiet and key not in self.directory.configured:
                self.messages.forget(task.station.identity)
                self._tasks.pop(key).cancel()
                del self._stations[key]
