"""What one end of a link sent and received, in order; two ledgers judge whatever lies between them."""

from __future__ import annotations

import asyncio
import enum
import hashlib
from collections.abc import Callable


class Direction(enum.StrEnum):
    """Seen from the end that keeps the ledger."""

    SENT = "sent"
    RECEIVED = "received"


SENT = Direction.SENT
RECEIVED = Direction.RECEIVED


class Bell:
    """Wakes waiters whenever something changed, so that nobody has to poll or sleep."""

    def __init__(self) -> None:
        self._waiters: list[asyncio.Future[None]] = []

    def ring(self) -> None:
        """Let every waiter look again."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait_until(self, predicate: Callable[[], bool], timeout_s: float | None, what: str) -> None:
        """Return once `predicate` holds; TimeoutError names `what` was waited for."""
        try:
            async with asyncio.timeout(timeout_s):
                while not predicate():
                    waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                    self._waiters.append(waiter)
                    await waiter
        except TimeoutError:
            raise TimeoutError(f"{what} did not happen within {timeout_s:g} s") from None


class Tally:
    """Count and running SHA-256 of a sequence of texts; equal tallies mean equal sequences."""

    def __init__(self) -> None:
        self.count = 0
        self._hash = hashlib.sha256()

    def add(self, text: str) -> None:
        """Append one text; its length goes into the hash, so that borders between texts count."""
        data = text.encode("utf-8", "surrogatepass")
        self._hash.update(len(data).to_bytes(8, "big"))
        self._hash.update(data)
        self.count += 1

    @property
    def digest(self) -> str:
        """Hex digest over all texts so far."""
        return self._hash.copy().hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally) and (self.count, self.digest) == (other.count, other.digest)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"<Tally {self.count} texts, {self.digest[:12]}>"


class Ledger:
    """Text frames of one end in order. `keep=False` holds counts and hashes only (load runs).

    A frame counts as sent when it is handed to the socket: what was written just before a link broke
    may not have arrived.
    """

    def __init__(self, *, keep: bool = True, observer: Callable[[Direction, str], None] | None = None) -> None:
        self.keep = keep
        self.observer = observer
        self.entries: list[tuple[Direction, str]] = []
        self.binary: list[tuple[Direction, bytes]] = []
        self.tallies = {SENT: Tally(), RECEIVED: Tally()}
        self._bell = Bell()

    def record(self, direction: Direction, text: str) -> None:
        """Append one text frame."""
        if self.keep:
            self.entries.append((direction, text))
        self.tallies[direction].add(text)
        if self.observer is not None:
            self.observer(direction, text)
        self._bell.ring()

    def record_binary(self, direction: Direction, data: bytes) -> None:
        """Append one binary frame; these are kept apart, OCPP knows none."""
        self.binary.append((direction, data))
        self._bell.ring()

    @property
    def sent(self) -> list[str]:
        """Texts sent, in order (empty with keep=False)."""
        return [text for direction, text in self.entries if direction is SENT]

    @property
    def received(self) -> list[str]:
        """Texts received, in order (empty with keep=False)."""
        return [text for direction, text in self.entries if direction is RECEIVED]

    @property
    def sent_count(self) -> int:
        """Number of text frames sent."""
        return self.tallies[SENT].count

    @property
    def received_count(self) -> int:
        """Number of text frames received."""
        return self.tallies[RECEIVED].count

    @property
    def sent_digest(self) -> str:
        """Running SHA-256 over the texts sent; the peer's `received_digest` once all arrived in order."""
        return self.tallies[SENT].digest

    @property
    def received_digest(self) -> str:
        """Running SHA-256 over the texts received."""
        return self.tallies[RECEIVED].digest

    async def wait_sent(self, count: int, timeout_s: float = 10.0) -> None:
        """Return once at least `count` text frames were sent; TimeoutError else."""
        await self.wait_until(lambda: self.sent_count >= count, timeout_s, f"sending {count} frames")

    async def wait_received(self, count: int, timeout_s: float = 10.0) -> None:
        """Return once at least `count` text frames were received; TimeoutError else."""
        await self.wait_until(lambda: self.received_count >= count, timeout_s, f"receiving {count} frames")

    async def wait_until(
        self, predicate: Callable[[], bool], timeout_s: float = 10.0, what: str = "the condition"
    ) -> None:
        """Return once `predicate` holds; it is asked again at every frame."""
        await self._bell.wait_until(predicate, timeout_s, what)
