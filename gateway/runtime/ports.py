"""What the runtime needs of the world: typed protocols that adapters, and the fakes of tests, obey."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from gateway.core.clock_trust import TrustRecord
from gateway.core.events import Arrival
from gateway.core.memory import ChargerRecord, ConnectorRecord, Durable, FaultRecord, Memory, SessionRecord
from gateway.core.message import Message
from gateway.core.moment import Moment
from gateway.core.record import StationRecord


class Clock(Protocol):
    """Reads both clocks, and draws randomness."""

    def now(self) -> Moment:
        """Wall and monotonic clock, read together."""

    def draw(self) -> float:
        """A random number in [0, 1)."""


class StoreFailed(Exception):
    """The store could not commit or read; the message ends with what to do next."""


class StoreRefused(Exception):
    """The database must not be touched (newer version, not a database); the message ends with what to do next."""


@dataclass(frozen=True, slots=True)
class SavedStation:
    """A change: this row is to stand in the stations table."""

    record: StationRecord

    @property
    def row(self) -> str:
        """Which row it concerns: a later change of the same row takes its place."""
        return f"station {self.record.key}"


@dataclass(frozen=True, slots=True)
class ForgottenStation:
    """A change: nothing is to be known of the station with this identity key."""

    key: str

    @property
    def row(self) -> str:
        """Which row it concerns: a later change of the same row takes its place."""
        return f"station {self.key}"


@dataclass(frozen=True, slots=True)
class SavedTrust:
    """A change: this is what is known of the clock."""

    record: TrustRecord

    @property
    def row(self) -> str:
        """Which row it concerns: a later change of the same row takes its place."""
        return "clock trust"


@dataclass(frozen=True, slots=True)
class Remembered:
    """A change: this is known of the station with this identity key, whether or not its own row stands already."""

    key: str
    record: Durable

    @property
    def row(self) -> str:
        """Which row it concerns: a later change of the same row takes its place."""
        match self.record:
            case ChargerRecord():
                return f"charger {self.key}"
            case ConnectorRecord(report):
                return f"connector {report.connector_id} {self.key}"
            case FaultRecord(number):
                return f"fault {number} {self.key}"
            case SessionRecord(number):
                return f"session {number} {self.key}"


Change = SavedStation | ForgottenStation | SavedTrust | Remembered


@dataclass(frozen=True, slots=True)
class Retention:
    """What may go: sessions that ended and faults that were cleared before these times, and the oldest of them beyond
    `quota_bytes` for the whole store."""

    sessions_before: datetime
    faults_before: datetime
    quota_bytes: int


class Store(Protocol):
    """Durable state. Changes of one `commit` stand together or not at all; concurrent commits may share one sync."""

    async def open(self) -> None:
        """Create or migrate, then be ready; a damaged database is set aside. Raises StoreFailed or StoreRefused."""

    async def commit(self, changes: Sequence[Change]) -> None:
        """Return when the changes survive a power cut. Raises StoreFailed."""

    async def stations(self) -> list[StationRecord]:
        """Every station ever let in, in the order first seen. Raises StoreFailed."""

    async def memories(self) -> dict[str, Memory]:
        """What is remembered of each station, by identity key. Raises StoreFailed."""

    async def tag_key(self) -> bytes:
        """A secret of this store's own, made with it: tags are hashed with it. Raises StoreFailed."""

    async def tidy(self, before: Retention) -> int:
        """Delete what nobody keeps any longer; returns how many rows went. Raises StoreFailed."""

    async def trust(self) -> TrustRecord | None:
        """What was last known of the clock, of whatever boot; None if nothing was. Raises StoreFailed."""

    @property
    def set_aside(self) -> str | None:
        """Where a damaged database was put when a fresh one was begun; None if none was since this object was made."""

    @property
    def size_bytes(self) -> int | None:
        """What it takes on the disk, as of the last commit; None before the first."""

    async def close(self) -> None:
        """Finish what waits, then let go of the file. Safe to call twice."""


class Link(Protocol):
    """One WebSocket, either leg. Reading is begun by `run`; writing may start before."""

    async def send(self, text: str) -> None:
        """Write one text message; returns when it is in the kernel's hands. Raises LinkLost."""

    async def ping(self) -> None:
        """Send a ping, do not wait for its pong. Raises LinkLost."""

    async def close(self, code: int, reason: str) -> None:
        """Close handshake, bounded in time, then abort. Never raises."""

    def abort(self) -> None:
        """Drop the socket at once, whatever waits in it."""


class LinkLost(Exception):
    """The socket under a link is gone; `code` is the WebSocket close code, None when there was none."""

    def __init__(self, code: int | None, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class LinkEvents(Protocol):
    """What a link tells the runtime while it is read."""

    async def text(self, text: str) -> None:
        """A text message came in. Awaiting it is the back-pressure: the socket is not read meanwhile."""

    def heard(self) -> None:
        """A ping or pong came in (told at most once a second)."""

    def lost(self, code: int | None, reason: str) -> None:
        """The link ended; told exactly once, last."""


class UpLink(Link, Protocol):
    """A link to upstream, already through its upgrade."""

    subprotocol: str | None

    async def read(self, events: LinkEvents) -> None:
        """Read until the link ends. Until this is called nothing is taken from the socket beyond its buffers."""


class DialVerdict(Exception):
    """Upstream said 401, 403 or 404."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class Unreachable(Exception):
    """Upstream gave no verdict; the message says what happened in words an installer understands."""


class Dialer(Protocol):
    """Opens up legs to one upstream."""

    host: str
    """The gate is shared by everything that dials this host (host:port)."""

    async def dial(self, identity: str, subprotocols: Sequence[str], authorization: str | None) -> UpLink:
        """Ask upstream. Raises DialVerdict or Unreachable; cancelling it leaves no socket behind."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Let the charger in: the subprotocol to answer with, and where its link reports to."""

    subprotocol: str | None
    attach: Callable[[Link], Awaitable[LinkEvents]]


@dataclass(frozen=True, slots=True)
class Refused:
    """Keep the charger out: HTTP status and a text that ends with what to do next."""

    status: int
    text: str


class Doors(Protocol):
    """Where the charger server brings those who knock."""

    async def arrive(self, arrival: Arrival) -> Admitted | Refused:
        """The verdict; cancelling it says that the charger's socket went away while it waited."""

    def misfit(self, what: str, remote: str, text: str) -> None:
        """Something on the port that is no charger's upgrade (counted under `what`, logged)."""


@dataclass(frozen=True, slots=True)
class PublisherState:
    """How the broker connection stands, for status and health.

    `events_waiting` were not acknowledged yet; `events_dropped` never will be, because too many waited; `events_dead`
    because the broker refused them.
    """

    connected: bool
    protocol: int | None
    broker: str
    reconnects: int
    connected_since: Moment | None
    last_error: str | None
    events_waiting: int = 0
    events_dropped: int = 0
    events_dead: int = 0


class Publisher(Protocol):
    """MQTT: of retained state the latest message per topic wins, events go one by one; never blocks, never raises."""

    def put(self, message: Message) -> None:
        """Publish now or as soon as the broker is there."""

    def state(self) -> PublisherState:
        """How the connection stands."""

    async def run(self) -> None:
        """Connect, reconnect, publish; until cancelled."""

    async def stop(self, last: Message) -> None:
        """Flush for at most 2 s, publish `last`, disconnect."""


class Notifier(Protocol):
    """The service manager."""

    def ready(self, status: str) -> None:
        """The daemon listens and serves."""

    def status(self, status: str) -> None:
        """One line for `systemctl status`."""

    def alive(self) -> None:
        """The loops that serve chargers made progress: the watchdog may wait again."""

    def stopping(self) -> None:
        """The daemon goes down."""


class Desk(Protocol):
    """Where an operator's questions are answered; the control socket brings them."""

    def ask(self, request: Mapping[str, Any]) -> AsyncIterator[Mapping[str, Any]]:
        """The answers, JSON objects; one with the key `error` (a sentence) says that it could not be done.

        Never raises on what was asked. Some questions (`log` with `follow`) are answered until the iterator is closed.
        """


class TimeSync(Protocol):
    """What the operating system knows of its clock."""

    @property
    def boot_id(self) -> str | None:
        """Names the boot of the machine; None if it cannot be found out."""

    def boottime_s(self) -> float:
        """CLOCK_BOOTTIME: seconds since the boot, which no setting of the clock changes."""

    async def synced_by(self) -> str | None:
        """Who says that the clock follows network time; None if nobody does. Never raises."""
