"""What a station wants done. Imperative; frozen. `runtime/perform.py` knows the order in which they are carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from gateway.core.events import Leg
from gateway.core.facts import Fact
from gateway.core.memory import Durable
from gateway.core.moment import Moment
from gateway.core.record import StationRecord


@dataclass(frozen=True, slots=True)
class SaveStation:
    """Durable: write this station's row. Committed before any other effect of the same event."""

    record: StationRecord


@dataclass(frozen=True, slots=True)
class Remember:
    """Durable: write this of what is known of the station. Committed before any other effect of the same event."""

    record: Durable


@dataclass(frozen=True, slots=True)
class CheckCredentials:
    """Compare an Authorization header with the stored hash; `CredentialsChecked` comes back."""

    generation: int
    authorization: str | None = field(repr=False)
    credential_hash: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class HashCredentials:
    """Hash an Authorization header for storage; `CredentialsHashed` comes back."""

    generation: int
    authorization: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Dial:
    """Ask upstream for this identity; the dial *is* the up leg. One of `DialAccepted/Refused/Failed` comes back."""

    generation: int
    upstream: str
    identity: str
    subprotocols: tuple[str, ...]
    authorization: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class AbandonDial:
    """Nobody waits for this dial any more: cancel it, or close the up leg that it became."""

    generation: int


@dataclass(frozen=True, slots=True)
class Admit:
    """Answer the waiting charger with 101 and this subprotocol (None: without the header)."""

    generation: int
    subprotocol: str | None


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer the waiting charger with an HTTP error; `text` ends with what to do next."""

    generation: int
    status: int
    text: str


@dataclass(frozen=True, slots=True)
class ReadUpstream:
    """Both legs stand: begin to read the up leg (before that its frames wait in the socket)."""

    generation: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Send a text of the gateway's own making in reply to a peer."""

    leg: Leg
    generation: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Send:
    """Send a text on a leg: a relayed frame byte for byte, or a call of our own."""

    leg: Leg
    generation: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ping:
    """Send a WebSocket ping on a leg."""

    leg: Leg
    generation: int


@dataclass(frozen=True, slots=True)
class CloseLeg:
    """Close a leg after what waits to be written, or at once with `discard`. No `LegLost` comes back for it."""

    leg: Leg
    generation: int
    code: int
    reason: str
    discard: bool = False


@dataclass(frozen=True, slots=True)
class Arm:
    """Start the timer `key`, replacing a running one; `TimerDue(key)` comes back after `after_s` seconds."""

    key: str
    after_s: float


@dataclass(frozen=True, slots=True)
class Disarm:
    """Stop the timer `key` if it runs."""

    key: str


@dataclass(frozen=True, slots=True)
class LearnTime:
    """Upstream's answer told the time. The charger's question came `round_trip_s` before, the answer `at`."""

    upstream: str
    current_time: datetime
    round_trip_s: float
    at: Moment


@dataclass(frozen=True, slots=True)
class Publish:
    """Tell MQTT; conflated per topic, never awaited."""

    fact: Fact


class Level(IntEnum):
    """Severity of a note, with the numbers of the standard library's logging."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40


@dataclass(frozen=True, slots=True)
class Note:
    """One line for the log, counted under `what` (a stable snake_case name of the kind of event)."""

    what: str
    text: str
    level: Level = Level.INFO
    fields: Mapping[str, str] = field(default_factory=dict)


Effect = (
    SaveStation
    | Remember
    | CheckCredentials
    | HashCredentials
    | Dial
    | AbandonDial
    | Admit
    | Refuse
    | ReadUpstream
    | Answer
    | Send
    | Ping
    | CloseLeg
    | Arm
    | Disarm
    | LearnTime
    | Publish
    | Note
)
