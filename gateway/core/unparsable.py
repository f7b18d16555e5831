"""Frames that do not parse: how many a peer may send, and whether upstream can stand them.

OCPP-J says nothing of use here. Relaying is right as long as upstream answers or ignores; some servers close instead,
and then one bad firmware would lose its connection for ever.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from gateway.core.events import Leg

MOST_PER_MINUTE = 20
"""A charger with one broken message type sends a few a minute; more is a peer that does not speak OCPP."""

MOST_UNASKED_PER_MINUTE = 600
"""Answers that nobody asked for: a peer that is merely late or repeats itself stays far below."""

CLOSED_WITHIN_S = 2.0
"""A close this soon after an unparsable frame is taken as the reaction to it."""

CLOSES_BEFORE_HOLDING = 3
HELD_AFTER_WINDOW_S = 600.0


@dataclass(slots=True)
class Unparsable:
    """One station's record of unparsable frames, over its connections. Times are monotonic seconds."""

    _received: dict[Leg, deque[float]] = field(default_factory=lambda: {leg: deque() for leg in Leg})
    _unasked: dict[Leg, deque[float]] = field(default_factory=lambda: {leg: deque() for leg in Leg})
    _relayed_at: float | None = None
    _closes: deque[float] = field(default_factory=deque)
    held: bool = False
    """True: unparsable frames of this station are not relayed any more."""

    def received(self, leg: Leg, now: float) -> bool:
        """Count an unparsable frame of this leg's peer; False when it has sent too many within a minute."""
        return _within_a_minute(self._received[leg], now) <= MOST_PER_MINUTE

    def unasked(self, leg: Leg, now: float) -> bool:
        """Count an answer that nobody asked this leg's peer for; False when there were too many within a minute."""
        return _within_a_minute(self._unasked[leg], now) <= MOST_UNASKED_PER_MINUTE

    def relayed(self, now: float) -> None:
        """One was passed on to upstream."""
        self._relayed_at = now

    def upstream_closed(self, now: float) -> bool:
        """Upstream closed; True when that makes the gateway hold such frames back from now on."""
        relayed_at, self._relayed_at = self._relayed_at, None
        if self.held or relayed_at is None or now - relayed_at > CLOSED_WITHIN_S:
            return False
        self._closes.append(now)
        while now - self._closes[0] > HELD_AFTER_WINDOW_S:
            self._closes.popleft()
        self.held = len(self._closes) >= CLOSES_BEFORE_HOLDING
        return self.held

    def new_connection(self) -> None:
        """The next connection starts clean: there is no ban, and nothing has been relayed on it yet."""
        for leg in Leg:
            self._received[leg].clear()
            self._unasked[leg].clear()
        self._relayed_at = None


def _within_a_minute(times: deque[float], now: float) -> int:
    """How many there were within a minute, this one included."""
    times.append(now)
    while now - times[0] >= 60.0:
        times.popleft()
    return len(times)
