"""What happened to one station. Past tense; frozen; nothing else crosses into the core.

A *generation* numbers the sockets of one station: it is given to a charger's socket when it arrives, and the up leg
dialled for that socket carries the same number. An event whose generation is not the live one is about a dead socket.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from gateway.core.frames import Frame
from gateway.core.policy import StationPolicy
from gateway.core.ports import Quirks
from gateway.core.record import Standing


class Leg(Enum):
    """The two connections of a station: charger to gateway, and gateway to upstream."""

    DOWN = "down"
    UP = "up"

    @property
    def other(self) -> Leg:
        """The leg at the other side of the gateway."""
        return Leg.UP if self is Leg.DOWN else Leg.DOWN

    @property
    def peer(self) -> str:
        """Who is at the far end of this leg, in words for the log."""
        return "charger" if self is Leg.DOWN else "upstream"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A charger's upgrade request: what it says of itself before it is let in.

    `identity` is percent-decoded, `offered` keeps the charger's order, `authorization` is the whole header value.
    """

    identity: str
    remote: str
    offered: tuple[str, ...] = ()
    authorization: str | None = field(default=None, repr=False)
    listener: str = ""


@dataclass(frozen=True, slots=True)
class ChargerArrived:
    """A charger asks for the upgrade; it waits for `Admit` or `Refuse`."""

    generation: int
    arrival: Arrival


@dataclass(frozen=True, slots=True)
class ChargerConnected:
    """The charger got its 101: frames can flow on the down leg."""

    generation: int


@dataclass(frozen=True, slots=True)
class ChargerVanished:
    """The charger's socket ended before the upgrade was done."""

    generation: int


@dataclass(frozen=True, slots=True)
class CredentialsChecked:
    """Answer to `CheckCredentials`: are they those last accepted?"""

    generation: int
    unchanged: bool


@dataclass(frozen=True, slots=True)
class CredentialsHashed:
    """Answer to `HashCredentials`: the salted hash to keep."""

    generation: int
    credential_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DialAccepted:
    """Upstream answered the upgrade with 101; `subprotocol` is its choice, None if it named none."""

    generation: int
    subprotocol: str | None


@dataclass(frozen=True, slots=True)
class DialRefused:
    """Upstream answered 401, 403 or 404: a verdict about this identity."""

    generation: int
    status: int


@dataclass(frozen=True, slots=True)
class DialFailed:
    """Upstream could not be asked (timeout, TLS, 3xx, 429, 5xx, ...). `draw` is uniform in [0, 1), for jitter."""

    generation: int
    reason: str
    draw: float


@dataclass(frozen=True, slots=True)
class FrameReceived:
    """A text message came in on a leg."""

    leg: Leg
    generation: int
    frame: Frame


@dataclass(frozen=True, slots=True)
class LegHeard:
    """A ping or pong came in on a leg: a sign of life without a frame."""

    leg: Leg
    generation: int


@dataclass(frozen=True, slots=True)
class ReadingPaused:
    """The gateway stopped reading a leg (its own back-pressure): silence is not the peer's fault."""

    leg: Leg
    generation: int


@dataclass(frozen=True, slots=True)
class ReadingResumed:
    """The gateway reads the leg again."""

    leg: Leg
    generation: int


@dataclass(frozen=True, slots=True)
class LegLost:
    """A leg ended. `code` is the WebSocket close code sent or received, None when there was none."""

    leg: Leg
    generation: int
    code: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class TimerDue:
    """A timer armed by `Arm` ran out."""

    key: str


@dataclass(frozen=True, slots=True)
class PolicyChanged:
    """The configuration was read anew. `redial`: its upstream is another one now, even under the same policy."""

    policy: StationPolicy = field(repr=False)
    standing: Standing
    quirks: Quirks = field(repr=False)
    redial: bool = False


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The daemon goes down, or does not serve this charger any more: close both legs, say that it is offline.

    1012 is "service restart" (IANA close code registry): chargers take it as a reason to redial soon.
    """

    code: int = 1012
    reason: str = "gateway restarts"


Event = (
    ChargerArrived
    | ChargerConnected
    | ChargerVanished
    | CredentialsChecked
    | CredentialsHashed
    | DialAccepted
    | DialRefused
    | DialFailed
    | FrameReceived
    | LegHeard
    | ReadingPaused
    | ReadingResumed
    | LegLost
    | TimerDue
    | PolicyChanged
    | StopRequested
)
