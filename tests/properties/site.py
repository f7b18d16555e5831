"""The world around one station: sockets, dials, timers and an inbox, each with a will of its own.

It keeps the runtime's promises and no more: events wait in one inbox and are handled in batches, the effects of a batch
are carried out after all of it was handled, and a timer that was disarmed meanwhile may still be among them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from gateway.core.effects import (
    AbandonDial,
    Admit,
    Answer,
    Arm,
    CheckCredentials,
    CloseLeg,
    Dial,
    Disarm,
    Effect,
    HashCredentials,
    ReadUpstream,
    Refuse,
    SaveStation,
    Send,
)
from gateway.core.events import (
    Arrival,
    ChargerArrived,
    ChargerConnected,
    ChargerVanished,
    CredentialsChecked,
    CredentialsHashed,
    DialAccepted,
    DialFailed,
    DialRefused,
    Event,
    FrameReceived,
    Leg,
    LegLost,
    PolicyChanged,
    TimerDue,
)
from gateway.core.frames import parse
from gateway.core.moment import Moment
from gateway.core.policy import StationPolicy
from gateway.core.record import Standing, StationRecord
from gateway.core.station import Station
from tests.core.drive import EPOCH
from tests.core.quirky import NO_QUIRKS


def hash_of(authorization: str, salt: int = 0) -> str:
    """What the worker thread makes of a header."""
    return f"{salt} {authorization}"


def header_of(credential_hash: str | None) -> str | None:
    """The header that a hash was made of."""
    return None if credential_hash is None else credential_hash.partition(" ")[2]


@dataclass
class Site:
    """One charger's identity, everybody who claims it, and the upstream that is asked."""

    station: Station
    now: Moment = EPOCH
    inbox: list[Event] = field(default_factory=list)
    arrivals: dict[int, Arrival] = field(default_factory=dict)
    waiting: set[int] = field(default_factory=set)
    """Sockets that wait for their verdict."""
    upgrading: set[int] = field(default_factory=set)
    """Sockets that were let in and have not finished their upgrade."""
    dials: set[int] = field(default_factory=set)
    granted: list[int] = field(default_factory=list)
    """Dials that upstream answered with 101, in order."""
    verdicts: dict[int, Admit | Refuse] = field(default_factory=dict)
    legs: set[tuple[Leg, int]] = field(default_factory=set)
    read: set[int] = field(default_factory=set)
    checks: dict[int, bool] = field(default_factory=dict)
    hashes: dict[int, str] = field(default_factory=dict)
    timers: dict[str, float] = field(default_factory=dict)
    fired: dict[str, TimerDue] = field(default_factory=dict)
    disarmed: set[str] = field(default_factory=set)
    stored: StationRecord | None = None
    asked: set[int] = field(default_factory=set)
    """Sockets for which upstream was ever asked."""
    outdated: set[int] = field(default_factory=set)
    """Those of them that were asked for under terms that do not hold any more."""

    # What the world does

    def knock(self, authorization: str | None, offered: tuple[str, ...]) -> None:
        generation = len(self.arrivals) + 1
        self.arrivals[generation] = Arrival("CP01", "192.0.2.7:50000", offered, authorization)
        self.waiting.add(generation)
        self.inbox.append(ChargerArrived(generation, self.arrivals[generation]))

    def hang_up(self, generation: int, told: bool) -> None:
        """`told`: an upgrade that breaks off after its 101 may go unnoticed."""
        known = generation in self.waiting
        self.waiting.discard(generation)
        self.upgrading.discard(generation)
        if known or told:
            self.inbox.append(ChargerVanished(generation))

    def finish_upgrade(self, generation: int) -> None:
        self.upgrading.remove(generation)
        self.legs.add((Leg.DOWN, generation))
        self.inbox.append(ChargerConnected(generation))

    def answer_dial(self, generation: int, status: int, draw: float) -> None:
        self.dials.remove(generation)
        if status == 101:
            self.legs.add((Leg.UP, generation))
            self.granted.append(generation)
            self.inbox.append(DialAccepted(generation, self.arrivals[generation].offered[0]))
        elif status == 0:
            self.inbox.append(DialFailed(generation, "connection refused", draw))
        else:
            self.inbox.append(DialRefused(generation, status))

    def finish_check(self, generation: int) -> None:
        self.inbox.append(CredentialsChecked(generation, self.checks.pop(generation)))

    def finish_hash(self, generation: int) -> None:
        self.inbox.append(CredentialsHashed(generation, self.hashes.pop(generation)))

    def lose(self, leg: Leg, generation: int) -> None:
        """A socket breaks; an up leg tells it once it is read."""
        self.legs.remove((leg, generation))
        self.inbox.append(LegLost(leg, generation, 1006, ""))

    def configure(self, policy: StationPolicy, standing: Standing, redial: bool) -> None:
        self.inbox.append(PolicyChanged(policy, standing, NO_QUIRKS, redial))

    def say(self, leg: Leg, generation: int, text: str) -> None:
        self.inbox.append(FrameReceived(leg, generation, parse(text)))

    def let_time_pass(self, seconds: float) -> None:
        until = self.now.monotonic + seconds
        self.now = Moment(self.now.wall + timedelta(seconds=seconds), until)
        for key in sorted(self.timers, key=lambda key: self.timers[key]):
            if self.timers[key] <= until:
                del self.timers[key]
                self.fired[key] = TimerDue(key)
                self.inbox.append(self.fired[key])

    def fire_again(self, key: str) -> None:
        """A timer that was disarmed when its event was on its way already."""
        self.disarmed.discard(key)
        self.perform(self._handle(TimerDue(key)))

    # What the runtime does

    def turn(self, most: int) -> None:
        """Handle what waits, at most so much of it, as one batch."""
        batch, self.inbox = self.inbox[:most], self.inbox[most:]
        current = [event for event in batch if self._is_current(event)]
        for effects in [self._handle(event) for event in current]:
            self.perform(effects)

    def _handle(self, event: Event) -> list[Effect]:
        before = self.station.policy.terms
        effects = self.station.handle(event, self.now)
        if isinstance(event, PolicyChanged) and (event.redial or event.policy.terms != before):
            self.outdated |= self.asked
        self.asked |= {effect.generation for effect in effects if isinstance(effect, Dial)}
        self._judge(effects)
        return effects

    def _judge(self, effects: list[Effect]) -> None:
        """Nothing goes on under terms that do not hold any more, and nothing begins under unusable ones."""
        for effect in effects:
            if isinstance(effect, Send | Answer | Admit | Dial | ReadUpstream):
                assert effect.generation not in self.outdated
                assert self.station.policy.unusable is None

    def _is_current(self, event: Event) -> bool:
        return not isinstance(event, TimerDue) or self.fired.pop(event.key, None) is event

    def perform(self, effects: list[Effect]) -> None:
        """Durable effects first; the rest in order."""
        for effect in effects:
            if isinstance(effect, SaveStation):
                assert effect.record != self.stored
                self.stored = effect.record
        for effect in effects:
            self._do(effect)

    def _do(self, effect: Effect) -> None:
        match effect:
            case Arm() | Disarm():
                self._set_timer(effect)
            case Dial(generation):
                assert generation not in self.dials
                assert (Leg.UP, generation) not in self.legs
                self.dials.add(generation)
            case AbandonDial(generation):
                self.dials.discard(generation)
                self.legs.discard((Leg.UP, generation))
            case Admit(generation) | Refuse(generation):
                self._answer_door(generation, effect)
            case CloseLeg(leg, generation):
                self.legs.discard((leg, generation))
            case ReadUpstream(generation):
                self.read.add(generation)
            case CheckCredentials(generation, authorization, credential_hash):
                self.checks[generation] = authorization == header_of(credential_hash)
            case HashCredentials(generation, authorization):
                self.hashes[generation] = hash_of(authorization, salt=generation)
            case _:
                pass  # texts, pings, notes and publications leave no trace here

    def _set_timer(self, effect: Arm | Disarm) -> None:
        running = self.timers.pop(effect.key, None) or self.fired.pop(effect.key, None)
        if isinstance(effect, Arm):
            self.timers[effect.key] = self.now.monotonic + effect.after_s
            self.disarmed.discard(effect.key)
        elif running:
            self.disarmed.add(effect.key)

    def _answer_door(self, generation: int, verdict: Admit | Refuse) -> None:
        assert generation not in self.verdicts
        self.verdicts[generation] = verdict
        if generation in self.waiting and isinstance(verdict, Admit):
            self.upgrading.add(generation)
        self.waiting.discard(generation)
