"""A station with its hands on the table: events go in, and what it asks for is kept where a test can read it.

Plays the runtime without a socket: it runs the timers that were armed, numbers the charger's sockets, and moves the
clock only when told to. What is made durable and published is judged on the way (`kept`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from gateway.core.effects import (
    Admit,
    Answer,
    Arm,
    CloseLeg,
    Dial,
    Disarm,
    Effect,
    Note,
    Publish,
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
    LegHeard,
    LegLost,
    PolicyChanged,
    ReadingPaused,
    ReadingResumed,
    StopRequested,
    TimerDue,
)
from gateway.core.facts import Fact
from gateway.core.frames import parse
from gateway.core.memory import NOTHING, Memory
from gateway.core.moment import Moment
from gateway.core.own_id import OwnIds
from gateway.core.policy import StationPolicy, UpstreamPolicy
from gateway.core.ports import Quirks
from gateway.core.record import Standing, StationRecord
from gateway.core.station import Station
from gateway.core.tags import Tags
from gateway.dialects import DIALECTS
from tests.core.kept import Kept
from tests.core.quirky import NO_QUIRKS, QUIRKS
from tests.core.texts import call, result, stamp

EPOCH: Final = Moment(datetime(2026, 1, 1, tzinfo=UTC), 1000.0)
UPSTREAM: Final = UpstreamPolicy("operator")
MINE: Final = "Basic Q1AwMTpzZWNyZXQ="
"""The credentials of CP01, as a header."""
OTHER: Final = "Basic Q1AwMTpvdGhlcg=="
HASH: Final = "scrypt$stored"

E = TypeVar("E", bound=Effect)
F = TypeVar("F", bound=Fact)


def known(credential_hash: str | None = None, upstream: str = "operator") -> StationRecord:
    """The row of a charger that this upstream has accepted before."""
    accepted = {upstream: EPOCH.wall}
    return StationRecord("CP01", "cp01", EPOCH.wall, accepted, "ocpp1.6", credential_hash)


@dataclass
class Drive:
    """One station under test. Whatever it asks for is appended to `effects`, in order."""

    station: Station
    now: Moment = EPOCH
    generation: int = 0
    effects: list[Effect] = field(default_factory=list)
    due: dict[str, float] = field(default_factory=dict)
    """Timers that run, with the monotonic time at which they are due."""
    kept: Kept = field(default_factory=Kept)
    asked: int = 0
    """CALLs that the charger made by the helpers below."""

    def feed(self, event: Event) -> list[Effect]:
        """Hand an event in; returns what follows from it."""
        return self.carry_out(self.station.handle(event, self.now))

    def carry_out(self, effects: list[Effect]) -> list[Effect]:
        """What follows from an event."""
        self.kept.take(effects)
        for effect in effects:
            if isinstance(effect, Arm):
                assert effect.after_s >= 0.0
                self.due[effect.key] = self.now.monotonic + effect.after_s
            elif isinstance(effect, Disarm):
                self.due.pop(effect.key, None)
        self.effects += effects
        return effects

    def elapse(self, seconds: float) -> list[Effect]:
        """Let time pass; timers fire when they are due, in order."""
        until = self.now.monotonic + seconds
        before = len(self.effects)
        while due := [(at, key) for key, at in self.due.items() if at <= until]:
            at, key = min(due)
            del self.due[key]
            self._set(max(at, self.now.monotonic))
            self.feed(TimerDue(key))
        self._set(until)
        return self.effects[before:]

    def _set(self, monotonic: float) -> None:
        self.now = Moment(self.now.wall + timedelta(seconds=monotonic - self.now.monotonic), monotonic)

    def set_clock(self, seconds: float) -> None:
        """The gateway's wall clock is set forward, or back."""
        self.now = Moment(self.now.wall + timedelta(seconds=seconds), self.now.monotonic)

    def restarted(self, *, refresh: bool | None = None) -> Drive:
        """A new process, with what the store has: the charger is not connected yet."""
        policy = self.station.policy if refresh is None else replace(self.station.policy, refresh=refresh)
        memory = self.kept.memory()
        station = a_station(policy, self.station.record, memory, self.station.quirks, self.now)
        table = Drive(station, self.now, self.generation, asked=self.asked)
        table.kept.begin(memory)
        table.carry_out(station.announce(self.now))
        return table

    # The door

    def arrive(
        self,
        authorization: str | None = None,
        offered: tuple[str, ...] = ("ocpp1.6",),
        identity: str = "CP01",
        remote: str = "192.0.2.7:50000",
        listener: str = "ws://0.0.0.0:9000",
    ) -> int:
        """A charger knocks; returns the generation of its socket."""
        self.generation += 1
        arrival = Arrival(identity, remote, offered, authorization, listener)
        self.feed(ChargerArrived(self.generation, arrival))
        return self.generation

    def checked(self, generation: int, unchanged: bool) -> list[Effect]:
        """The comparison of credentials is done."""
        return self.feed(CredentialsChecked(generation, unchanged))

    def hashed(self, generation: int, credential_hash: str) -> list[Effect]:
        """The hash of credentials is done."""
        return self.feed(CredentialsHashed(generation, credential_hash))

    def accept(self, generation: int, subprotocol: str | None = "ocpp1.6") -> list[Effect]:
        """Upstream says 101."""
        return self.feed(DialAccepted(generation, subprotocol))

    def refuse(self, generation: int, status: int = 404) -> list[Effect]:
        """Upstream says 401, 403 or 404."""
        return self.feed(DialRefused(generation, status))

    def fail(self, generation: int, reason: str = "connection refused", draw: float = 0.5) -> list[Effect]:
        """Upstream cannot be asked."""
        return self.feed(DialFailed(generation, reason, draw))

    def connect(self, generation: int) -> list[Effect]:
        """The charger has its 101."""
        return self.feed(ChargerConnected(generation))

    def vanish(self, generation: int) -> list[Effect]:
        """The charger hangs up before its upgrade is done."""
        return self.feed(ChargerVanished(generation))

    def online(
        self,
        authorization: str | None = None,
        offered: tuple[str, ...] = ("ocpp1.6",),
        subprotocol: str | None = "ocpp1.6",
    ) -> int:
        """A charger comes in, from its knock to its session; returns its generation."""
        generation = self.arrive(authorization, offered)
        self.accept(generation, subprotocol)
        self.connect(generation)
        return generation

    # The legs

    def says(self, leg: Leg, text: str, generation: int | None = None) -> list[Effect]:
        """A text comes in on a leg, of the newest socket unless another is named."""
        return self.feed(FrameReceived(leg, generation or self.generation, parse(text)))

    def charger(self, text: str, generation: int | None = None) -> list[Effect]:
        """The charger sends a text."""
        return self.says(Leg.DOWN, text, generation)

    def asks(self, action: str, payload: Mapping[str, Any], answer: Mapping[str, Any] | None = None) -> list[Effect]:
        """The charger sends a CALL, and upstream answers it if there is an answer."""
        self.asked += 1
        effects = self.charger(call(f"c{self.asked}", action, payload))
        return effects if answer is None else effects + self.upstream(result(f"c{self.asked}", answer))

    def reports(
        self, word: str, connector: int = 1, code: str = "NoError", *, at: datetime | None = None, **more: Any
    ) -> list[Effect]:
        """The charger sends a StatusNotification, with the time that it is about."""
        written = {} if at is None else {"timestamp": stamp(at)}
        payload = {"connectorId": connector, "status": word, "errorCode": code, **written, **more}
        return self.asks("StatusNotification", payload)

    def starts(
        self, transaction: int | None = 7, connector: int = 1, *, meter: object = 1000, at: datetime | None = None
    ) -> list[Effect]:
        """The charger sends a StartTransaction; upstream gives it this id (None: no answer)."""
        payload = {"connectorId": connector, "idTag": "CARD01", "meterStart": meter}
        payload["timestamp"] = stamp(at or self.now.wall)
        answer = {"transactionId": transaction, "idTagInfo": {"status": "Accepted"}}
        return self.asks("StartTransaction", payload, None if transaction is None else answer)

    def meters(self, register_wh: object, connector: int = 1, transaction: int | None = 7) -> list[Effect]:
        """The charger sends MeterValues with its energy register."""
        sampled = {"value": str(register_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        values = [{"timestamp": stamp(self.now.wall), "sampledValue": [sampled]}]
        payload: dict[str, Any] = {"connectorId": connector, "meterValue": values}
        return self.asks("MeterValues", payload if transaction is None else payload | {"transactionId": transaction})

    def stops(self, transaction: int = 7, *, meter: object = 6000, at: datetime | None = None) -> list[Effect]:
        """The charger sends a StopTransaction, which upstream has yet to answer."""
        payload = {"transactionId": transaction, "meterStop": meter, "timestamp": stamp(at or self.now.wall)}
        return self.asks("StopTransaction", payload)

    def upstream(self, text: str, generation: int | None = None) -> list[Effect]:
        """Upstream sends a text."""
        return self.says(Leg.UP, text, generation)

    def pong(self, leg: Leg) -> list[Effect]:
        """A sign of life without a frame."""
        return self.feed(LegHeard(leg, self.generation))

    def pause(self, leg: Leg) -> list[Effect]:
        """The gateway stops reading a leg."""
        return self.feed(ReadingPaused(leg, self.generation))

    def resume(self, leg: Leg) -> list[Effect]:
        """The gateway reads a leg again."""
        return self.feed(ReadingResumed(leg, self.generation))

    def lose(self, leg: Leg, code: int | None = None, reason: str = "", generation: int | None = None) -> list[Effect]:
        """A leg ends by itself."""
        return self.feed(LegLost(leg, generation or self.generation, code, reason))

    def stop(self) -> list[Effect]:
        """The daemon goes down."""
        return self.feed(StopRequested())

    def configure(
        self,
        policy: StationPolicy,
        standing: Standing = Standing.CONFIGURED,
        *,
        redial: bool = False,
        quirks: Quirks | None = None,
    ) -> list[Effect]:
        """The configuration was read anew."""
        return self.feed(PolicyChanged(policy, standing, quirks or self.station.quirks, redial))

    # What stands

    def live(self) -> int | None:
        """The generation of the live connection, None if there is none."""
        return self.station.session.generation if self.station.session else None

    def outage(self) -> bool:
        """Was the charger last kept out because upstream could not serve it?"""
        return self.station.admission.outage is not None

    def idle(self) -> bool:
        """May the station be forgotten?"""
        return self.station.idle

    # What was asked for

    def all(self, kind: type[E]) -> list[E]:
        """Every effect of a kind so far."""
        return only(self.effects, kind)

    @property
    def counted(self) -> Counter[str]:
        """The notes so far, by their stable name."""
        return Counter(note.what for note in self.all(Note))

    @property
    def sent(self) -> dict[tuple[Leg, int], list[str]]:
        """Texts written so far, per leg and generation."""
        texts: dict[tuple[Leg, int], list[str]] = defaultdict(list)
        for effect in self.effects:
            if isinstance(effect, Send | Answer):
                texts[effect.leg, effect.generation].append(effect.text)
        return texts

    @property
    def verdicts(self) -> dict[int, Admit | Refuse]:
        """What each waiting charger was answered; asserts that none was answered twice."""
        answered: dict[int, Admit | Refuse] = {}
        for effect in self.effects:
            if isinstance(effect, Admit | Refuse):
                assert effect.generation not in answered
                answered[effect.generation] = effect
        return answered

    @property
    def saved(self) -> list[StationRecord]:
        """Rows written so far."""
        return [effect.record for effect in self.all(SaveStation)]

    def published(self, kind: type[F]) -> list[F]:
        """Facts of a kind told to MQTT so far."""
        return [effect.fact for effect in self.all(Publish) if isinstance(effect.fact, kind)]


def a_station(
    policy: StationPolicy,
    record: StationRecord | None = None,
    memory: Memory = NOTHING,
    quirks: Quirks = NO_QUIRKS,
    created: Moment = EPOCH,
) -> Station:
    """A station CP01."""
    return Station(
        "CP01", "cp01", "cp01", policy, record, DIALECTS, quirks, Tags(), OwnIds(b"seed"), created, memory=memory
    )


def drive(
    record: StationRecord | None = None,
    upstream: UpstreamPolicy | None = UPSTREAM,
    *,
    password: str | None = None,
    subprotocol: str | None = None,
    pings: bool = True,
    refresh: bool = True,
    memory: Memory = NOTHING,
    quirks: Quirks = QUIRKS,
    named: tuple[str, ...] = (),
) -> Drive:
    """A station CP01 that nobody is connected to yet. `named`: the quirks that the configuration gives it."""
    policy = StationPolicy(
        upstream, password=password, subprotocol=subprotocol, pings=pings, refresh=refresh, quirks=named
    )
    table = Drive(a_station(policy, record, memory, quirks))
    table.kept.begin(memory)
    return table


def only(effects: list[Effect], kind: type[E]) -> list[E]:
    """The effects of one kind, in order."""
    return [effect for effect in effects if isinstance(effect, kind)]


def status_of(verdict: Admit | Refuse) -> int:
    """The HTTP status of a verdict."""
    return verdict.status if isinstance(verdict, Refuse) else 101


def order(effects: list[Effect]) -> list[Effect]:
    """The effects that touch a socket, in order: what a takeover is judged by."""
    return [effect for effect in effects if isinstance(effect, CloseLeg | Dial | Admit | Refuse)]


def connected(
    *, pings: bool = True, refresh: bool = False, offered: str = "ocpp1.6", named: tuple[str, ...] = ()
) -> Drive:
    """A charger that is in, with a past that makes it known."""
    table = drive(known(), pings=pings, refresh=refresh, named=named)
    table.online(offered=(offered,), subprotocol=offered)
    return table


def closes(effects: list[Effect]) -> list[tuple[Leg, int]]:
    """Which legs are closed with which code, in order."""
    return [(close.leg, close.code) for close in only(effects, CloseLeg)]
