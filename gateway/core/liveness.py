"""Is the peer of one leg still there? Any frame, ping or pong is a sign of life; a peer that talks is never dropped.

Pings and idle limits are timers of the station, not the library's keepalive: that closes a connection 20 s after an
unanswered ping although frames flow, and many chargers never answer pings.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core.effects import Arm, Disarm, Effect, Ping
from gateway.core.events import Leg

PING_EVERY_S = 20.0
"""Shorter than the idle timeout of any router or load balancer on the way (the shortest common one is 30 s)."""

HEARTBEATS_BEFORE_IDLE = 3
"""A charger may skip a heartbeat after other traffic, and one may be lost: three missed ones are silence."""

LONGEST_HEARTBEAT_S = 86_400
"""OCPP-J 2.1 5.3 advises at least one a day; a longer interval, or a number that no timer can hold, counts as this."""

UNKNOWN_HEARTBEAT_S = 3600
"""After a restart of the gateway a charger comes back without a boot, and keeps the interval that some upstream once
gave it: an hour is the longest met in the field. Until it answers a ping nothing else shows that it lives."""


@dataclass(slots=True)
class Liveness:
    """The clock of one leg. `limit_s` is the silence after which the leg counts as dead.

    `patient`: nobody knows how often this peer speaks, and it has not answered a ping yet.
    """

    leg: Leg
    generation: int
    limit_s: float
    pings: bool
    heard_at: float
    paused: bool = False
    patient: bool = False

    @property
    def ping_key(self) -> str:
        """Timer: send the next ping."""
        return f"ping:{self.leg.value}:{self.generation}"

    @property
    def idle_key(self) -> str:
        """Timer: look whether the leg has been silent for too long."""
        return f"idle:{self.leg.value}:{self.generation}"

    def start(self) -> list[Effect]:
        """Arm the timers of a leg that just came up."""
        effects: list[Effect] = [Arm(self.idle_key, self.limit_s)]
        if self.pings:
            effects.append(Arm(self.ping_key, PING_EVERY_S))
        return effects

    def govern(self, limit_s: float, pings: bool) -> list[Effect]:
        """Other limits hold from now on."""
        effects: list[Effect] = [Arm(self.idle_key, limit_s)]
        if pings != self.pings:
            effects.append(Arm(self.ping_key, PING_EVERY_S) if pings else Disarm(self.ping_key))
        self.limit_s, self.pings = limit_s, pings
        return effects

    def ping(self) -> list[Effect]:
        """The ping timer is due."""
        return [Ping(self.leg, self.generation), Arm(self.ping_key, PING_EVERY_S)]

    def idle(self, now: float) -> Effect | None:
        """The idle timer is due: what to arm next, or None when the leg is dead.

        While the gateway itself does not read the socket, the peer's silence proves nothing and the clock stands still.
        """
        if self.paused:
            return Arm(self.idle_key, self.limit_s)
        limit_s = (
            max(self.limit_s, HEARTBEATS_BEFORE_IDLE * float(UNKNOWN_HEARTBEAT_S)) if self.patient else self.limit_s
        )
        left = self.heard_at + limit_s - now
        return Arm(self.idle_key, min(left, self.limit_s)) if left > 0 else None

    def heard(self, now: float) -> None:
        """A sign of life."""
        self.heard_at = now

    def answered_ping(self, now: float) -> None:
        """A ping or pong came in: as long as we ping, its absence means something from now on."""
        if self.pings:
            self.patient = False
        self.heard(now)

    def expect_heartbeats(self, interval_s: int) -> None:
        """The charger was told to send a heartbeat this often: never call it idle before three of them are missing."""
        self.patient = False
        self.limit_s = max(self.limit_s, HEARTBEATS_BEFORE_IDLE * float(min(interval_s, LONGEST_HEARTBEAT_S)))
