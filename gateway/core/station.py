"""One charger as the gateway sees it: `handle(event, now)` returns what to do. Deterministic; composes, decides little.

Who comes in is `admission`, what passes between the legs is `session`, what is known of the charger is `view`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field, replace
from typing import assert_never

from gateway.core.admission import Admission, Candidate
from gateway.core.charger import ChargerView
from gateway.core.effects import (
    AbandonDial,
    Arm,
    CloseLeg,
    Disarm,
    Effect,
    HashCredentials,
    Level,
    Note,
    Publish,
    ReadUpstream,
    Refuse,
    SaveStation,
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
from gateway.core.greeting import connection_notes, security_profile
from gateway.core.memory import NOTHING, Memory
from gateway.core.moment import Moment
from gateway.core.own_id import OwnIds
from gateway.core.policy import StationPolicy
from gateway.core.ports import Dialect, Quirks
from gateway.core.record import Standing, StationRecord
from gateway.core.session import Session
from gateway.core.tags import Tags
from gateway.core.unparsable import Unparsable

OFFLINE_AFTER_S = 10.0
"""A charger that redials at once was never away: its availability does not flicker on MQTT."""

BEAT_EVERY_S = 60.0
"""An online charger's state is told again this often, so that `last_seen` is never older."""

OFFLINE_KEY = "offline"
BEAT_KEY = "beat"

INTERNAL_ERROR = 1011
"""This side met a condition that prevented it from going on (RFC 6455 7.4.1)."""

RESTARTING = 1012
"""Service restart (IANA close code registry): chargers take it as a reason to redial soon."""

CONFIGURATION_CHANGED = "the gateway's configuration changed"


@dataclass(slots=True)
class Station:
    """One charger. `slug` is its name in topics, `own_slug` the one to store, because an alias may move.

    `record` is None until an upstream has accepted it once or an operator has adopted it; `standing` says by what
    right it may come in now.
    """

    identity: str
    slug: str
    own_slug: str
    policy: StationPolicy
    record: StationRecord | None
    dialects: Mapping[str, Dialect]
    quirks: Quirks
    tags: Tags
    own_ids: OwnIds
    created: Moment
    standing: Standing = Standing.ACCEPTED
    memory: InitVar[Memory] = NOTHING
    session: Session | None = None
    admission: Admission = field(init=False)
    view: ChargerView = field(init=False)
    _unparsable: Unparsable = field(default_factory=Unparsable)
    _unproven: dict[int, str] = field(default_factory=dict)
    _accepted_generation: int = 0
    _stored: StationRecord | None = field(init=False)

    def __post_init__(self, memory: Memory) -> None:
        self._stored = self.record
        self.admission = Admission(self.identity, self.policy, self.record)
        first_seen = self.record.first_seen if self.record else None
        self.view = ChargerView(
            self.slug,
            self.identity,
            self.policy.name,
            first_seen,
            self.created.wall,
            self.quirks,
            self.tags,
            self.policy.quirks,
        )
        self.view.restored = self.record is not None and bool(self.record.accepted)
        self.view.restore(memory, self.created)

    @property
    def idle(self) -> bool:
        """Nothing depends on this object: no connection, nobody at the door, nothing known worth keeping."""
        return self.session is None and not self.admission.candidates and self.record is None

    @property
    def settled(self) -> StationRecord | None:
        """What may be handed on of it: a row must not go without the hash of its credentials, which takes a while."""
        return self.record if self.admission.unhashed is None else self._stored

    def announce(self, now: Moment) -> list[Effect]:
        """The daemon starts and knows this charger from before: it is offline until its socket is back."""
        return self.view.announce(now)

    def learn(self, record: StationRecord, memory: Memory, now: Moment) -> list[Effect]:
        """The store could be read at last: this stood there before."""
        self._stored = record
        self._keep(record)
        self.view.first_seen = record.first_seen
        self.view.restore(memory, now)
        return self.view.announce(now)

    def forget_connection(self) -> list[Effect]:
        """After a bug: end what is under way and drop what it left behind; what is known of the charger stays."""
        generations = set(self.admission.candidates)
        if self.session is not None:
            generations.add(self.session.generation)
        self.session = None
        self.admission.candidates.clear()
        effects: list[Effect] = [Disarm(BEAT_KEY), Arm(OFFLINE_KEY, OFFLINE_AFTER_S)]
        for generation in sorted(generations):
            effects += [
                AbandonDial(generation),
                Refuse(generation, 503, "internal error in the gateway, try again"),
            ]
            effects.append(CloseLeg(Leg.DOWN, generation, INTERNAL_ERROR, "internal error", discard=True))
        return effects

    def handle(self, event: Event, now: Moment) -> list[Effect]:
        """What follows from one event. Nothing awaits, nothing is sent here."""
        match event:
            case FrameReceived() | LegHeard() | LegLost() | ReadingPaused() | ReadingResumed():
                return self._leg_event(event, now)
            case TimerDue(key):
                return self._timer(key, now)
            case ChargerArrived(generation, arrival):
                return self._arrived(generation, arrival, now)
            case ChargerConnected(generation):
                return self._connected(generation, now)
            case ChargerVanished(generation):
                return self.admission.vanished(generation)
            case CredentialsChecked(generation, unchanged):
                return self._checked(generation, unchanged, now)
            case CredentialsHashed(generation, credential_hash):
                return self._hashed(generation, credential_hash)
            case DialAccepted() | DialRefused() | DialFailed():
                return self._dialled(event, now)
            case PolicyChanged():
                return self._policy_changed(event, now)
            case StopRequested():
                return self._stop(event, now)
            case _:
                assert_never(event)

    def _arrived(self, generation: int, arrival: Arrival, now: Moment) -> list[Effect]:
        candidate, effects = self.admission.arrived(generation, arrival, now)
        if candidate is None or candidate.doomed:
            return effects
        candidate.compared_after = self._accepted_generation
        if self.session is not None and candidate.unchanged is None:
            return effects
        return [*effects, *self._dial_beside_older(candidate, now)]

    def _dial_beside_older(self, candidate: Candidate, now: Moment) -> list[Effect]:
        """There may be an older socket. With the credentials last accepted this is the same charger after a dirty drop:
        the old one ends first. With others its dial decides, and the old one stays until a 101."""
        if not candidate.unchanged:
            return self.admission.dial(candidate)
        return [*self._take_over(candidate.generation, now), *self.admission.dial(candidate)]

    def _take_over(self, generation: int, now: Moment) -> list[Effect]:
        """The socket of this generation is the charger's: the older ones end, live or still at the door."""
        effects = self.admission.supersede(generation)
        if self.session is None:
            return effects
        note = Note("taken_over", "a newer socket of this charger takes over, the old one is closed", Level.INFO)
        effects += self.session.left(now)
        effects += self.session.close(1001, "replaced by a newer connection", discard=True)
        return [*effects, note, *self._after(now)]

    def _checked(self, generation: int, unchanged: bool, now: Moment) -> list[Effect]:
        authorization = self._unproven.pop(generation, None)
        if authorization is not None and not unchanged:
            return [HashCredentials(generation, authorization)]
        if authorization is not None and generation == self._accepted_generation:
            self.admission.unhashed = None
        candidate = self.admission.candidates.get(generation)
        if candidate is None or candidate.unchanged is not None:
            return []
        candidate.unchanged = unchanged
        if not candidate.dialled:
            return self._dial_beside_older(candidate, now)
        if candidate.refused is not None:
            return self.admission.refused(candidate, candidate.refused, now)
        return []

    def _dialled(self, event: DialAccepted | DialRefused | DialFailed, now: Moment) -> list[Effect]:
        candidate = self.admission.candidates.get(event.generation)
        if candidate is None or candidate.admitted:
            return [AbandonDial(event.generation)]
        match event:
            case DialRefused(status=status):
                return self.admission.refused(candidate, status, now)
            case DialFailed():
                return self.admission.failed(candidate, event, now)
            case DialAccepted(subprotocol=subprotocol):
                effects = self._take_over(candidate.generation, now)
                effects += self._remember(candidate, subprotocol, now)
                return effects + self.admission.accepted(candidate, subprotocol)
            case _:
                assert_never(event)

    def _remember(self, candidate: Candidate, subprotocol: str | None, now: Moment) -> list[Effect]:
        """Keep what this 101 taught, and write only what changed."""
        authorization = candidate.arrival.authorization
        record = self.record or StationRecord(
            candidate.arrival.identity, self.own_slug, now.wall, standing=self.standing
        )
        record = record.known_by(self.standing)
        self.view.first_seen = record.first_seen
        if candidate.upstream.name not in record.accepted:
            record = record.accepted_by(candidate.upstream.name, now.wall)
        record = replace(record, subprotocol=subprotocol or candidate.subprotocols[0])
        if authorization is None:
            record = replace(record, credential_hash=None)
        # A row without a hash says that no credentials were ever used: it must not stand while theirs is computed.
        unsafe = authorization is not None and record.credential_hash is None
        effects: list[Effect] = [] if record == self._stored or unsafe else self._save(record)
        outdated = candidate.compared_after != self._accepted_generation
        self._accepted_generation = candidate.generation
        self._keep(record)
        if authorization is None or (candidate.unchanged and not outdated and self.admission.unhashed is None):
            self.admission.unhashed = None
            return effects
        self.admission.unhashed = authorization
        if candidate.unchanged is None and not outdated:
            self._unproven[candidate.generation] = authorization
            return effects
        return [*effects, HashCredentials(candidate.generation, authorization)]

    def _hashed(self, generation: int, credential_hash: str) -> list[Effect]:
        """Credentials of an older 101 must not replace those last accepted."""
        if generation != self._accepted_generation or self.record is None:
            return []
        self.admission.unhashed = None
        record = replace(self.record, credential_hash=credential_hash)
        self._keep(record)
        return self._save(record)

    def _note_connectors(self) -> list[Effect]:
        """Each connector once: what a charger leaves on MQTT must be known even after a restart."""
        if self.record is None or self.record.connectors.issuperset(self.view.connectors_on_mqtt):
            return []
        self._keep(replace(self.record, connectors=self.record.connectors | self.view.connectors_on_mqtt))
        # A row must not stand without the hash of its credentials; it is written with it.
        return self._save(self.record) if self.admission.unhashed is None else []

    def _save(self, record: StationRecord) -> list[Effect]:
        self._stored = record
        return [SaveStation(record)]

    def _keep(self, record: StationRecord) -> None:
        self.record = record
        self.admission.record = record

    def _connected(self, generation: int, now: Moment) -> list[Effect]:
        candidate, effects = self.admission.connected(generation)
        if candidate is None:
            return [CloseLeg(Leg.DOWN, generation, 1001, "the upgrade took too long")]
        arrival = candidate.arrival
        if candidate.doomed:
            offered = ", ".join(arrival.offered) or "none"
            wanted = self.policy.subprotocol or "OCPP 1.6-J, 2.0.1 or 2.1"
            text = f"no common subprotocol (charger offers {offered}): set the charger to {wanted}"
            close = CloseLeg(Leg.DOWN, generation, 1002, "no common subprotocol")
            return [*effects, close, Note("no_common_subprotocol", text, Level.WARNING)]
        protocol = candidate.chosen
        dialect = self.dialects.get((protocol or "").lower())
        self.session = Session(generation, self.policy, self.view, dialect, self.own_ids, self._unparsable)
        told = self.view.connected(protocol, arrival.remote, security_profile(arrival), now)
        return [
            *effects,
            Disarm(OFFLINE_KEY),
            Arm(BEAT_KEY, BEAT_EVERY_S),
            *self.session.start(now),
            ReadUpstream(generation),
            *told,
            *connection_notes(candidate, dialect),
        ]

    def _leg_event(
        self, event: FrameReceived | LegHeard | LegLost | ReadingPaused | ReadingResumed, now: Moment
    ) -> list[Effect]:
        session = self.session
        if session is None or session.generation != event.generation:
            text = f"{type(event).__name__} of a connection that has ended, dropped"
            return [Note("stale_connection", text, Level.DEBUG)]
        match event:
            case FrameReceived(leg=leg, frame=frame):
                return [*session.frame(leg, frame, now), *self._note_connectors(), *self._after(now)]
            case LegLost(leg=leg, code=code, reason=reason):
                return [*session.lost(leg, code, reason, now), *self._after(now)]
            case LegHeard(leg=leg):
                session.answered_ping(leg, now)
            case ReadingPaused(leg=leg) | ReadingResumed(leg=leg):
                session.reading(leg, isinstance(event, ReadingPaused), now)
            case _:
                assert_never(event)
        return []

    def _timer(self, key: str, now: Moment) -> list[Effect]:
        if key == OFFLINE_KEY:
            gone = self.session is None and self.view.online
            return self.view.went_offline(now) if gone else []
        if key == BEAT_KEY:
            return [Publish(self.view.state(now)), Arm(BEAT_KEY, BEAT_EVERY_S)] if self.session is not None else []
        handled = self.admission.timer(key)
        if handled is None:
            handled = self.view.timer(key, now)
        if handled is not None:
            return handled
        if self.session is None:
            return []
        return [*self.session.timer(key, now), *self._after(now)]

    def _after(self, now: Moment) -> list[Effect]:
        """If the session has ended: nobody is here until the next one."""
        if self.session is None or not self.session.ended:
            return []
        self.session = None
        self.view.left(now)
        return [Disarm(BEAT_KEY), Arm(OFFLINE_KEY, OFFLINE_AFTER_S), Publish(self.view.state(now))]

    def _policy_changed(self, event: PolicyChanged, now: Moment) -> list[Effect]:
        """What a running connection was let in under still holds, or the charger has to come in anew."""
        before = self.policy
        self.policy = self.admission.policy = event.policy
        self.standing = event.standing
        effects = self.view.govern(event.policy.quirks, event.quirks, now)
        if event.policy.terms == before.terms and not event.redial:
            if self.session is not None and event.policy != before:
                effects += self.session.govern(event.policy)
            return effects
        self.admission.begin_anew()
        effects += self.admission.turn_away_all(f"{CONFIGURATION_CHANGED}, try again")
        if self.session is None:
            return effects
        effects += self.session.close(RESTARTING, CONFIGURATION_CHANGED, discard=False)
        text = "the configuration of this charger changed: its connection is closed, it will redial"
        return [*effects, Note("policy_changed", text), *self._after(now)]

    def _stop(self, event: StopRequested, now: Moment) -> list[Effect]:
        effects = self.admission.turn_away_all(f"{event.reason}, try again")
        if self.session is not None:
            effects += self.session.close(event.code, event.reason, discard=False)
        effects += self._after(now)
        effects += self.view.settle(now)
        if self.view.online:
            effects += self.view.went_offline(now)
        return [*effects, Disarm(OFFLINE_KEY)]
