"""The sockets, dials, timers and waiting upgrades of one station: what its effects act upon.

Nothing here decides. Every socket belongs to a generation; what comes from one that was closed is not told any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gateway.core.effects import Arm, CheckCredentials, CloseLeg, Dial, HashCredentials
from gateway.core.events import (
    ChargerConnected,
    CredentialsChecked,
    CredentialsHashed,
    DialAccepted,
    DialFailed,
    DialRefused,
    Event,
    FrameReceived,
    Leg,
    LegHeard,
    LegLost,
    ReadingPaused,
    ReadingResumed,
    TimerDue,
)
from gateway.core.frames import parse
from gateway.runtime.credentials import Credentials
from gateway.runtime.gate import HostGate
from gateway.runtime.inbox import Inbox, takes_room
from gateway.runtime.outgoing import Outgoing
from gateway.runtime.ports import Admitted, Clock, Dialer, DialVerdict, Link, Refused, Unreachable, UpLink

LOG = logging.getLogger("gateway.runtime")


@dataclass(slots=True)
class Upstream:
    """How one upstream is dialled."""

    dialer: Dialer
    gate: HostGate


@dataclass(slots=True)
class Wiring:
    """One per station. Times of events are read from `clock` when they happen."""

    clock: Clock
    upstreams: Mapping[str, Upstream]
    credentials: Credentials
    inbox: Inbox = field(default_factory=Inbox)
    _doors: dict[int, asyncio.Future[Admitted | Refused]] = field(default_factory=dict)
    _legs: dict[tuple[Leg, int], Outgoing] = field(default_factory=dict)
    _uplinks: dict[int, UpLink] = field(default_factory=dict)
    _dials: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _asking: set[asyncio.Task[None]] = field(default_factory=set)
    _probing: dict[int, HostGate] = field(default_factory=dict)
    _orphans: set[int] = field(default_factory=set)
    _timers: dict[str, asyncio.TimerHandle] = field(default_factory=dict)
    _fired: dict[str, TimerDue] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _stopped: bool = False

    def post(self, event: Event) -> None:
        """Something happened now."""
        self.inbox.put(event, self.clock.now())

    @property
    def quiet(self) -> bool:
        """Nobody waits at the door, no socket, no work under way."""
        return not (self._doors or self._legs or self._tasks)

    # The door

    def wait(self, generation: int) -> asyncio.Future[Admitted | Refused]:
        """Where the verdict on this upgrade will appear."""
        future = asyncio.get_running_loop().create_future()
        self._doors[generation] = future
        return future

    def admit(self, generation: int, subprotocol: str | None) -> None:
        """Let the waiting charger in."""
        self._answer_door(generation, Admitted(subprotocol, partial(self._attach, generation)))

    def refuse(self, generation: int, status: int, text: str) -> None:
        """Turn the waiting charger away."""
        self._answer_door(generation, Refused(status, text))

    def _answer_door(self, generation: int, verdict: Admitted | Refused) -> None:
        future = self._doors.pop(generation, None)
        if future is not None and not future.done():
            future.set_result(verdict)

    async def _attach(self, generation: int, link: Link) -> LegEvents:
        self._legs[Leg.DOWN, generation] = self._outgoing(Leg.DOWN, generation, link)
        if self._stopped:
            # Let in before its station ended, and nobody is there any more to close it later.
            self.close(CloseLeg(Leg.DOWN, generation, 1012, "try again"))
        self.post(ChargerConnected(generation))
        return LegEvents(self, Leg.DOWN, generation)

    # Upstream

    def dial(self, effect: Dial) -> None:
        """Begin to ask upstream."""
        task = self._dials[effect.generation] = self._spawn(self._ask(effect))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    def abandon(self, generation: int) -> None:
        """Nobody waits for this dial any more.

        One that holds the only turn at a failing host goes on: cancelled, it would tell nobody that the host is back.
        """
        task = self._dials.pop(generation, None)
        gate = self._probing.get(generation)
        if gate is not None and gate.failing:
            self._orphans.add(generation)
        elif task is not None:
            task.cancel()
        self.close(CloseLeg(Leg.UP, generation, 1001, "charger gone", discard=True))

    def read_upstream(self, generation: int) -> None:
        """Begin to read the up leg."""
        link = self._uplinks.get(generation)
        if link is not None:
            self._spawn(link.read(LegEvents(self, Leg.UP, generation)))

    async def _ask(self, effect: Dial) -> None:
        generation = effect.generation
        upstream = self.upstreams.get(effect.upstream)
        if upstream is None:
            # Asked under rules that a reload has just replaced.
            self.post(DialFailed(generation, "it is not configured any more", self.clock.draw()))
            return
        async with upstream.gate.turn():
            self._probing[generation] = upstream.gate
            try:
                event = await self._verdict(effect, upstream.dialer)
            finally:
                del self._probing[generation]
            upstream.gate.answered(reachable=not isinstance(event, DialFailed))
            self._dials.pop(generation, None)
            if generation in self._orphans:
                self._orphans.discard(generation)
                self.close(CloseLeg(Leg.UP, generation, 1001, "charger gone", discard=True))
            else:
                self.post(event)

    async def _verdict(self, effect: Dial, dialer: Dialer) -> Event:
        """The dial's outcome; an up leg is registered before anything can interrupt, so that `abandon` finds it."""
        generation = effect.generation
        try:
            link = await dialer.dial(effect.identity, effect.subprotocols, effect.authorization)
        except DialVerdict as verdict:
            return DialRefused(generation, verdict.status)
        except Unreachable as failure:
            return DialFailed(generation, str(failure), self.clock.draw())
        self._uplinks[generation] = link
        self._legs[Leg.UP, generation] = self._outgoing(Leg.UP, generation, link)
        return DialAccepted(generation, link.subprotocol)

    # Legs

    def send(self, leg: Leg, generation: int, text: str) -> None:
        """Queue a text; a leg that is gone takes nothing, its end has been told."""
        outgoing = self._legs.get((leg, generation))
        if outgoing is not None:
            outgoing.put(text)

    def ping(self, leg: Leg, generation: int) -> None:
        """Queue a ping."""
        outgoing = self._legs.get((leg, generation))
        if outgoing is not None:
            outgoing.ping()

    def close(self, effect: CloseLeg) -> None:
        """Close a leg; nothing of it is told from here on."""
        outgoing = self._forget(effect.leg, effect.generation)
        if outgoing is not None:
            self._spawn(outgoing.close(effect.code, effect.reason, discard=effect.discard))

    def lost(self, leg: Leg, generation: int, code: int | None, reason: str) -> None:
        """A leg ended by itself; told once."""
        outgoing = self._forget(leg, generation)
        if outgoing is not None:
            outgoing.stop()
            self.post(LegLost(leg, generation, code, reason))

    def crowded(self, leg: Leg, generation: int) -> bool:
        """Should CALLs for this leg wait? Not for a station that has ended: nobody would ever make room."""
        if self._stopped:
            return False
        outgoing = self._legs.get((leg, generation))
        return not self.inbox.has_room or (outgoing is not None and outgoing.crowded)

    def _outgoing(self, leg: Leg, generation: int, link: Link) -> Outgoing:
        return Outgoing(link, partial(self.lost, leg, generation), self.inbox.changed.set)

    def _forget(self, leg: Leg, generation: int) -> Outgoing | None:
        outgoing = self._legs.pop((leg, generation), None)
        if leg is Leg.UP:
            self._uplinks.pop(generation, None)
        self.inbox.changed.set()
        return outgoing

    # Credentials and timers

    def check_credentials(self, effect: CheckCredentials) -> None:
        """Compare on a worker thread."""

        async def check() -> None:
            unchanged = await self.credentials.check(effect.authorization, effect.credential_hash)
            self.post(CredentialsChecked(effect.generation, unchanged))

        self._spawn(check())

    def hash_credentials(self, effect: HashCredentials) -> None:
        """Hash on a worker thread."""

        async def compute() -> None:
            credential_hash = await self.credentials.hash(effect.authorization)
            self.post(CredentialsHashed(effect.generation, credential_hash))

        self._spawn(compute())

    def arm(self, effect: Arm) -> None:
        """Start a timer, replacing a running one."""
        self.disarm(effect.key)
        loop = asyncio.get_running_loop()
        self._timers[effect.key] = loop.call_later(effect.after_s, self._due, effect.key)

    def disarm(self, key: str) -> None:
        """Stop a timer."""
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        self._fired.pop(key, None)

    def is_current(self, event: Event) -> bool:
        """False for a timer that was disarmed or armed anew while its event waited in the inbox."""
        if not isinstance(event, TimerDue):
            return True
        return self._fired.pop(event.key, None) is event

    def _due(self, key: str) -> None:
        self._timers.pop(key, None)
        event = self._fired[key] = TimerDue(key)
        self.post(event)

    # The end

    async def stop(self) -> None:
        """Wait for closes under way, then let go of everything. Never raises."""
        self._stopped = True
        self.inbox.changed.set()
        for timer in self._timers.values():
            timer.cancel()
        for dial in self._asking:
            dial.cancel()
        for key in list(self._legs):
            self.close(CloseLeg(*key, 1012, "gateway restarts", discard=True))
        for future in self._doors.values():
            if not future.done():
                future.set_result(Refused(503, "the gateway is restarting, try again"))
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (bug := task.exception()) is not None:
            LOG.error("a task of a station failed; please report this", exc_info=bug)


@dataclass(slots=True)
class LegEvents:
    """What a link tells while it is read; implements the `LinkEvents` port."""

    wiring: Wiring
    leg: Leg
    generation: int

    async def text(self, text: str) -> None:
        """Put the frame into the inbox. After a CALL, wait until there is room for the next one."""
        frame = parse(text)
        self.wiring.post(FrameReceived(self.leg, self.generation, frame))
        if not takes_room(frame) or not self._crowded():
            return
        self.wiring.post(ReadingPaused(self.leg, self.generation))
        while self._crowded():
            self.wiring.inbox.changed.clear()
            await self.wiring.inbox.changed.wait()
        self.wiring.post(ReadingResumed(self.leg, self.generation))

    def heard(self) -> None:
        """A ping or pong came in."""
        self.wiring.post(LegHeard(self.leg, self.generation))

    def lost(self, code: int | None, reason: str) -> None:
        """The link ended."""
        self.wiring.lost(self.leg, self.generation, code, reason)

    def _crowded(self) -> bool:
        return self.wiring.crowded(self.leg.other, self.generation)
