"""Who is there: every station of the site, found by identity; the door at which chargers knock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from gateway.core.door import Quarantine, Unknown
from gateway.core.effects import Effect, LearnTime, Level
from gateway.core.events import Arrival, ChargerArrived, ChargerVanished, PolicyChanged, StopRequested
from gateway.core.facts import ChargerForgotten, Fact
from gateway.core.identity import adopt_hint
from gateway.core.memory import NOTHING, Memory
from gateway.core.own_id import OwnIds
from gateway.core.ports import Dialect, Quirks
from gateway.core.record import Standing, StationRecord, identity_key
from gateway.core.slug import slug
from gateway.core.station import CONFIGURATION_CHANGED, RESTARTING, Station
from gateway.runtime.credentials import Credentials
from gateway.runtime.directory import Directory
from gateway.runtime.message_log import MessageLog
from gateway.runtime.notes import Notes
from gateway.runtime.perform import Performer
from gateway.runtime.ports import Admitted, Change, Clock, ForgottenStation, Refused, Remembered, SavedStation
from gateway.runtime.safekeeping import Kept, Safekeeping
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
class _Left:
    """What a station that was let go left on MQTT, under its slug, and the timer at which that is cleared."""

    key: str
    connectors: frozenset[int]
    due: asyncio.TimerHandle


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
    quirks: Quirks
    seed: bytes
    messages: MessageLog = field(default_factory=MessageLog)
    learn_time: Callable[[LearnTime], None] = lambda _: None
    """Hears what the answers of upstreams tell of the time."""
    quarantine: Quarantine = field(default_factory=Quarantine)
    open: bool = False
    changed: Callable[[], None] = lambda: None
    """Called when somebody was put into quarantine, taken in or let go."""
    clear_after_s: float = CLEAR_AFTER_S
    deciding: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever decides who is known, an operator or a reload: one decision at a time."""
    _stations: dict[str, StationTask] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _dormant: dict[str, StationRecord] = field(default_factory=dict)
    """Rows of chargers that came because the configuration named them, and that it does not name any more."""
    _memories: dict[str, Memory] = field(default_factory=dict)
    """What is remembered of those who are not served now, by key."""
    _outside: set[str] = field(default_factory=set)
    """Whom a decision under way is about: they stay outside until it stands, and their last connection has ended."""
    _left: dict[str, _Left] = field(default_factory=dict)
    """What will be cleared on MQTT, by slug."""

    def __iter__(self) -> Iterator[Station]:
        return iter([task.station for task in self._stations.values()])

    def find(self, identity: str) -> Station | None:
        """The station of this identity, in whatever spelling."""
        task = self._stations.get(identity_key(identity))
        return task.station if task else None

    def everything(self) -> list[Change]:
        """All that is known of every station, as changes to a store that knows nothing."""
        changes: list[Change] = [SavedStation(record) for record in self._dormant.values()]
        memories = dict(self._memories)
        for key, task in self._stations.items():
            record = task.station.settled
            if record is not None:
                changes.append(SavedStation(record))
                memories[key] = task.station.view.memory()
        changes += [Remembered(key, record) for key, memory in memories.items() for record in memory.records()]
        return changes

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

    async def learn(self, kept: Kept) -> None:
        """This stands in the store: take in who is not known yet, and remind the others of what was before."""
        for record in kept.stations:
            memory = kept.memories.get(record.key, NOTHING)
            task = self._stations.get(record.key)
            if task is not None:
                await task.performer.perform([task.station.learn(record, memory, self.clock.now())])
                continue
            self._memories.setdefault(record.key, memory)
            if record.key in self._outside:
                self._dormant[record.key] = record
            elif record.standing is Standing.CONFIGURED and record.key not in self.directory.configured:
                self._dormant[record.key] = record
                self._clear_later(record.key, record.slug, record.connectors)
            else:
                await self._take_in(record.identity, record, from_before=True)

    async def _take_in(self, identity: str, record: StationRecord | None, *, from_before: bool = False) -> None:
        """From now on this charger is known; `from_before`: as a process before this one told of it."""
        await self._announce(self._create(identity, record, from_before=from_before))
        self.changed()

    async def adopt(self, record: StationRecord) -> None:
        """Let this charger in from now on; returns when that is durable, or cannot be at present."""
        with self._undecided([record.key]):
            await self.safekeeping.save([SavedStation(record)])
            await self._take_in(record.identity, record)

    async def forget(self, key: str) -> None:
        """Treat a charger as never seen; returns when that is durable, or cannot be at present."""
        with self._undecided([key]):
            if key in self._stations:
                await self._let_go(key, DISMISSED, "this charger was forgotten")
            # Not before its station has ended, which may have had its row to write.
            await self.safekeeping.save([ForgottenStation(key)])
            self._dormant.pop(key, None)
            self._memories.pop(key, None)
        self.messages.forget(key)
        self.changed()

    async def _let_go(self, key: str, code: int, reason: str) -> None:
        """Serve this station no longer; what is known of it sleeps, and what it left on MQTT is cleared later."""
        task, running = self._stations.pop(key), self._tasks.pop(key)
        task.wiring.post(StopRequested(code, reason))
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await self._stop_one(running, task)
        except TimeoutError:
            text = "its sockets did not close in time and were dropped"
            self.notes.say("stop_forced", text, Level.WARNING, task.station.identity)
        record = task.station.record
        seen = record.connectors if record is not None else frozenset[int]()
        self._clear_later(key, task.station.slug, seen | task.station.view.connectors_on_mqtt)
        record = task.station.settled
        if record is not None:
            self._dormant.setdefault(key, record)
            self._memories[key] = task.station.view.memory()
        self.changed()

    def slugs(self) -> set[str]:
        """Every name that a charger has in topics, or may want back."""
        taken = {station.slug for station in self} | {station.own_slug for station in self}
        return taken | self.directory.aliases() | {record.slug for record in self._dormant.values()}

    def dormant(self, key: str) -> StationRecord | None:
        """The row of a charger that was known by its line in the configuration, and is a stranger without it."""
        return self._dormant.get(key)

    async def reconfigure(
        self, directory: Directory, upstreams: Mapping[str, Upstream], moved: Collection[str], quirks: Quirks
    ) -> None:
        """Other rules hold from now on; `moved` names the upstreams that are dialled in another way than before."""
        async with self.deciding:
            before, self.directory, self.upstreams, self.quirks = self.directory, directory, upstreams, quirks
            leaving: dict[str, int] = {}
            for key, task in self._stations.items():
                task.wiring.upstreams = upstreams
                if self._lost_its_place(key, task.station, before):
                    leaving[key] = DISMISSED
                elif self._lost_its_name(key, task.station, before):
                    leaving[key] = RESTARTING
                else:
                    policy = directory.policy(key)
                    redial = policy.upstream is not None and policy.upstream.name in moved
                    task.wiring.post(PolicyChanged(policy, self._standing(key), quirks, redial))
            with self._undecided(leaving):
                await asyncio.gather(*(self._let_go(key, code, CONFIGURATION_CHANGED) for key, code in leaving.items()))
                await self._take_in_configured()
                for key, code in leaving.items():
                    record = self._dormant.get(key)
                    if record is not None and (code == RESTARTING or record.standing is not Standing.CONFIGURED):
                        await self._take_in(record.identity, record)

    @contextmanager
    def _undecided(self, keys: Collection[str]) -> Iterator[None]:
        self._outside |= set(keys)
        try:
            yield
        finally:
            self._outside -= set(keys)

    def _lost_its_place(self, key: str, station: Station, before: Directory) -> bool:
        """Was it here only because the configuration named it, and does that no more?"""
        if key in self.directory.configured:
            return False
        if self.directory.unknown is Unknown.ACCEPT:
            # Anybody may stay, but one that was told of on MQTT and never came is nobody.
            return station.record is None and key in before.configured
        return station.record is None or station.record.standing is Standing.CONFIGURED

    def _lost_its_name(self, key: str, station: Station, before: Directory) -> bool:
        """Has it another name in topics from now on, or has another charger been given the one that it has?"""
        if before.alias(key) != self.directory.alias(key):
            return True
        return station.slug in self.directory.aliases() and self.directory.alias(key) != station.slug

    async def _take_in_configured(self) -> None:
        for key, configured in self.directory.configured.items():
            if key not in self._stations:
                await self._take_in(configured.identity, self._dormant.get(key))

    def _standing(self, key: str) -> Standing:
        return Standing.CONFIGURED if key in self.directory.configured else Standing.ACCEPTED

    def _clear_later(self, key: str, charger: str, connectors: frozenset[int]) -> None:
        left = self._left.pop(charger, None)
        if left is not None:
            left.due.cancel()
            connectors |= left.connectors
        due = asyncio.get_running_loop().call_later(self.clear_after_s, self._clear_unless_taken, charger)
        self._left[charger] = _Left(key, connectors, due)

    def _clear_unless_taken(self, charger: str) -> None:
        """What a charger left that has come back is kept, for the day when it is let go again."""
        if all(station.slug != charger for station in self):
            self._clear(charger)

    def _clear(self, charger: str) -> None:
        left = self._left.pop(charger)
        left.due.cancel()
        self.publish(ChargerForgotten(charger, tuple(sorted(left.connectors))))

    async def stop(self) -> None:
        """Close every connection; returns within `STOP_WITHIN_S`, whatever the peers do."""
        self.open = False
        for charger in self._left.keys() - {station.slug for station in self}:
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
        if key in self._outside or (task is None and key in self.directory.configured):
            return Refused(503, "it is being decided what becomes of this charger, try again")
        if task is None:
            refused = self._judge_stranger(arrival)
            if refused is not None:
                return refused
            task = self._create(arrival.identity, self._dormant.get(key))
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
        hint = adopt_hint(arrival.identity)
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

    def _create(self, identity: str, record: StationRecord | None, *, from_before: bool = False) -> StationTask:
        key = identity_key(identity)
        self._dormant.pop(key, None)
        self.quarantine.release(identity)
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
            quirks=self.quirks,
            tags=self.safekeeping.tags,
            own_ids=OwnIds(self.seed + key.encode("utf-8", "surrogatepass")),
            created=self.clock.now(),
            standing=self._standing(key),
            memory=self._memories.pop(key, NOTHING),
        )
        left = self._left.get(station.slug)
        returns = left is not None and left.key == key
        if left is not None and not returns:
            self._clear(station.slug)
        if not (returns or from_before):
            station.view.restored = False  # under this name nothing stands retained
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
                if task.station.slug in self._left:
                    self._clear(task.station.slug)
