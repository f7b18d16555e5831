"""Who comes in: a charger's upgrade request, from its arrival to the verdict.

The upstream is asked first: its answer to the dial is the verdict, and that dial becomes the up leg. A refusal is
passed on to an identity that this upstream has never accepted, or that shows other credentials than those last
accepted; for a known identity with unchanged credentials it counts as an outage until `refusal_grace` is over, because
a load balancer that answers 404 during a deployment must not throw off charging cars.

Every station runs `strict_relay`: without its upstream a charger gets 503 before the upgrade, and keeps its own queue.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from gateway.core.backoff import full_jitter
from gateway.core.effects import (
    AbandonDial,
    Admit,
    Arm,
    CheckCredentials,
    CloseLeg,
    Dial,
    Disarm,
    Effect,
    Level,
    Note,
    Refuse,
)
from gateway.core.events import Arrival, DialFailed, Leg
from gateway.core.moment import Moment
from gateway.core.password import authorization_matches, basic_authorization
from gateway.core.policy import StationPolicy, UpstreamPolicy
from gateway.core.record import StationRecord
from gateway.core.redact import excerpt
from gateway.core.subprotocols import ASSUMED, proposal

VERDICT_WITHIN_S = 3.0
"""A charger's own handshake timeout may be as short as 5 s; what upstream has not said by then it hears as 503."""

REDIAL_BASE_S = 0.2
REDIAL_CAP_S = 1.0
"""Within the 3 s a dial that failed at once is tried again: a CSMS that restarts is back before a charger's own
back-off of a minute is over."""

HANDSHAKE_WITHIN_S = 10.0
"""Between the 101 and the first frame lies one round trip to the charger; after this its socket is gone."""

MOST_CANDIDATES = 4
"""Sockets of one identity that wait for their verdict at the same time: a charger has one, a confused one two."""


@dataclass(slots=True)
class Candidate:
    """One upgrade request on its way to a verdict. `unchanged` is None until its credentials are compared, and outdated
    once another socket than `compared_after` was the last to be accepted."""

    generation: int
    arrival: Arrival
    upstream: UpstreamPolicy
    subprotocols: tuple[str, ...]
    authorization: str | None = field(repr=False)
    deadline: float
    unchanged: bool | None
    compared_after: int = 0
    attempts: int = 0
    dialled: bool = False
    refused: int | None = None
    last_reason: str = "no verdict within 3 s, queueing for a dial included"
    admitted: bool = False
    chosen: str | None = None
    doomed: bool = False
    password_form: str | None = None
    """In which form the configured password was shown; None where none is configured."""

    @property
    def verdict_key(self) -> str:
        """Timer: the charger has waited long enough."""
        return f"verdict:{self.generation}"

    @property
    def redial_key(self) -> str:
        """Timer: ask upstream once more."""
        return f"redial:{self.generation}"

    @property
    def handshake_key(self) -> str:
        """Timer: the charger never finished its upgrade."""
        return f"handshake:{self.generation}"


@dataclass(slots=True)
class Admission:
    """The candidates of one station. `record` is what the store knows of it, None for a charger never let in."""

    identity: str
    policy: StationPolicy
    record: StationRecord | None = None
    candidates: dict[int, Candidate] = field(default_factory=dict)
    refused_since: float | None = None
    outage: str | None = None
    """Why the charger was last kept out, where that was because its upstream could not serve it."""
    refusal: str | None = None
    """Why the charger was last kept out, where that was its own fault or its upstream's decision."""
    unhashed: str | None = field(default=None, repr=False)
    """The header last accepted, until it is compared or hashed: chargers redial faster than scrypt is computed."""

    def arrived(self, generation: int, arrival: Arrival, now: Moment) -> tuple[Candidate | None, list[Effect]]:
        """A charger knocks: the candidate it becomes, or None when it is refused at once."""
        if self.policy.unusable is not None:
            # Where its secrets are is nothing for whoever knocks.
            note = Note("configuration_unusable", f"refused with 503: {self.policy.unusable}", Level.ERROR)
            return None, [
                Refuse(generation, 503, "out of service: ask the site's installer to see evgate status"),
                note,
            ]
        upstream = self.policy.upstream
        if upstream is None:
            text = "no upstream: add [[upstream]] with the CSMS's url to the configuration and reload evgate"
            return None, _refusal(generation, 503, text, "no_upstream", Level.ERROR)
        if len(self.candidates) >= MOST_CANDIDATES:
            text = f"{MOST_CANDIDATES} sockets of this identity wait already: check that no two chargers share it"
            return None, _refusal(generation, 503, text, "too_many_candidates", Level.WARNING)
        password_form = None
        if self.policy.password is not None:
            verdict = authorization_matches(arrival.authorization, arrival.identity, self.policy.password)
            password_form = verdict.form.value if verdict.form else None
            if not verdict.matches:
                text = f"{verdict.reason}: set the password of [[charger]] in gateway.toml and in the charger alike"
                self.refusal, self.outage = f"refused with 401, because {text}", None
                return None, _refusal(generation, 401, text, "wrong_password", Level.WARNING)
        subprotocols = proposal(arrival.offered, self.policy.subprotocol)
        candidate = Candidate(
            generation=generation,
            arrival=arrival,
            upstream=upstream,
            subprotocols=subprotocols,
            authorization=_up_leg_authorization(upstream, arrival, subprotocols),
            deadline=now.monotonic + VERDICT_WITHIN_S,
            unchanged=self._compared_at_once(arrival),
            doomed=not subprotocols,
            password_form=password_form,
        )
        self.candidates[generation] = candidate
        if candidate.doomed:
            return candidate, self._admit(candidate, None)
        effects: list[Effect] = [Arm(candidate.verdict_key, VERDICT_WITHIN_S)]
        if candidate.unchanged is None and self.record is not None:
            effects.append(CheckCredentials(generation, arrival.authorization, self.record.credential_hash))
        return candidate, effects

    def dial(self, candidate: Candidate) -> list[Effect]:
        """Ask upstream."""
        candidate.dialled = True
        candidate.attempts += 1
        return [
            Dial(
                candidate.generation,
                candidate.upstream.name,
                candidate.arrival.identity,
                candidate.subprotocols,
                candidate.authorization,
            )
        ]

    def accepted(self, candidate: Candidate, subprotocol: str | None) -> list[Effect]:
        """Upstream said 101."""
        self.refused_since = self.outage = self.refusal = None
        candidate.chosen = subprotocol if subprotocol is not None else candidate.subprotocols[0]
        answered = subprotocol if candidate.arrival.offered else None
        return self._admit(candidate, answered)

    def refused(self, candidate: Candidate, status: int, now: Moment) -> list[Effect]:
        """Upstream said 401, 403 or 404; decided once it is known whether the credentials are those last accepted."""
        candidate.refused = status
        known = self.record is not None and candidate.upstream.name in self.record.accepted
        if known and candidate.unchanged is None:
            return []
        fields = {"HTTP_STATUS": str(status), "UPSTREAM": candidate.upstream.name}
        if known and candidate.unchanged:
            if self.refused_since is None:
                self.refused_since = now.monotonic
            if now.monotonic - self.refused_since < candidate.upstream.refusal_grace_s:
                text = (
                    f"upstream {candidate.upstream.name} answered {status} to a charger it has accepted before, taken "
                    "as an outage: ask its operator whether this charger was removed"
                )
                self._drop(candidate)
                self.outage = text
                return [
                    *self._settled(candidate),
                    Refuse(
                        candidate.generation,
                        503,
                        "the CSMS is out of service for this charger, try again later",
                    ),
                    Note("outage_refusal", text, Level.ERROR, fields),
                ]
        self._drop(candidate)
        self.outage = None
        text = f"upstream {candidate.upstream.name} answered {status}, passed on: check the charger at the CSMS"
        self.refusal = text
        return [
            *self._settled(candidate),
            Refuse(
                candidate.generation,
                status,
                f"the CSMS answered {status}: check identity and credentials there",
            ),
            Note("upstream_refused", text, Level.WARNING, fields),
        ]

    def failed(self, candidate: Candidate, failure: DialFailed, now: Moment) -> list[Effect]:
        """Upstream could not be asked: once more within the 3 s, then 503."""
        candidate.last_reason = failure.reason
        delay = full_jitter(candidate.attempts, failure.draw, REDIAL_BASE_S, REDIAL_CAP_S)
        if now.monotonic + delay < candidate.deadline:
            text = f"upstream {candidate.upstream.name} unreachable ({excerpt(failure.reason)}), asking again"
            again = Note("redial", text, Level.DEBUG, {"UPSTREAM": candidate.upstream.name})
            return [Arm(candidate.redial_key, delay), again]
        return self._outage(candidate, failure.reason)

    def timer(self, key: str) -> list[Effect] | None:
        """One of the admission's timers; None when the key is none of its business."""
        for candidate in self.candidates.values():
            if key == candidate.verdict_key and not candidate.admitted:
                return [AbandonDial(candidate.generation), *self._outage(candidate, candidate.last_reason)]
            if key == candidate.redial_key and not candidate.admitted:
                return self.dial(candidate)
            if key == candidate.handshake_key:
                text = "the charger did not finish its upgrade: look for a router or firewall that cuts its connection"
                self._drop(candidate)
                return [
                    CloseLeg(Leg.UP, candidate.generation, 1001, "charger gone"),
                    CloseLeg(Leg.DOWN, candidate.generation, 1001, "upgrade not finished"),
                    Note("upgrade_unfinished", text, Level.WARNING),
                ]
        return None

    def vanished(self, generation: int) -> list[Effect]:
        """The charger's socket ended before the verdict."""
        candidate = self.candidates.get(generation)
        if candidate is None:
            return []
        self._drop(candidate)
        note = Note("charger_vanished", "the charger hung up before its upgrade was answered", Level.INFO)
        return [*self._settled(candidate), AbandonDial(generation), note]

    def connected(self, generation: int) -> tuple[Candidate | None, list[Effect]]:
        """The charger has its 101: hand the candidate over."""
        candidate = self.candidates.pop(generation, None)
        return candidate, [] if candidate is None else self._settled(candidate)

    def begin_anew(self) -> None:
        """What upstream last said or did not say was said under other rules."""
        self.refused_since = self.outage = self.refusal = None

    def turn_away_all(self, text: str) -> list[Effect]:
        """Nobody who waits now comes in: the daemon goes down, or other rules hold from here on."""
        return self._turn_away(list(self.candidates.values()), text)

    def supersede(self, generation: int) -> list[Effect]:
        """This generation is the charger's socket: older ones are dead, and upstream must not see two links."""
        older = [one for one in self.candidates.values() if one.generation < generation and not one.doomed]
        return self._turn_away(older, "a newer connection of this charger took its place, nothing to do")

    def _turn_away(self, candidates: list[Candidate], text: str) -> list[Effect]:
        effects: list[Effect] = []
        for candidate in candidates:
            self._drop(candidate)
            effects += [*self._settled(candidate), AbandonDial(candidate.generation)]
            if candidate.admitted:
                effects.append(CloseLeg(Leg.DOWN, candidate.generation, 1001, text, discard=True))
            else:
                effects.append(Refuse(candidate.generation, 503, text))
        return effects

    def _compared_at_once(self, arrival: Arrival) -> bool | None:
        """Whether the credentials are those last accepted, where no hash has to be computed to know."""
        if self.record is None:
            return False
        if self.unhashed is not None:
            return hmac.compare_digest(_bytes(arrival.authorization or ""), _bytes(self.unhashed))
        if self.record.credential_hash is None or arrival.authorization is None:
            return self.record.credential_hash is None and arrival.authorization is None
        return None

    def _admit(self, candidate: Candidate, subprotocol: str | None) -> list[Effect]:
        candidate.admitted = True
        return [
            *self._settled(candidate),
            Admit(candidate.generation, subprotocol),
            Arm(candidate.handshake_key, HANDSHAKE_WITHIN_S),
        ]

    def _outage(self, candidate: Candidate, reason: str) -> list[Effect]:
        self._drop(candidate)
        text = f"upstream {candidate.upstream.name} unreachable ({excerpt(reason)}), charger gets 503 (strict_relay)"
        self.outage = (
            f"upstream {candidate.upstream.name} cannot be reached ({excerpt(reason)}): check its url and the network"
        )
        return [
            *self._settled(candidate),
            Refuse(candidate.generation, 503, "the CSMS cannot be reached, try again later"),
            Note("outage_unreachable", text, Level.WARNING, {"UPSTREAM": candidate.upstream.name}),
        ]

    def _settled(self, candidate: Candidate) -> list[Effect]:
        return [Disarm(candidate.verdict_key), Disarm(candidate.redial_key), Disarm(candidate.handshake_key)]

    def _drop(self, candidate: Candidate) -> None:
        self.candidates.pop(candidate.generation, None)


def _refusal(generation: int, status: int, text: str, what: str, level: Level) -> list[Effect]:
    return [
        Refuse(generation, status, text),
        Note(what, f"refused with {status}: {text}", level, {"HTTP_STATUS": str(status)}),
    ]


def _up_leg_authorization(upstream: UpstreamPolicy, arrival: Arrival, subprotocols: tuple[str, ...]) -> str | None:
    """The charger's own header, unless the upstream has a password: then in the form of the version asked for first."""
    if upstream.password is None:
        return arrival.authorization
    version = subprotocols[0] if subprotocols else ASSUMED
    return basic_authorization(upstream.username or arrival.identity, upstream.password, version)


def _bytes(header: str) -> bytes:
    return header.encode("utf-8", "surrogatepass")
