"""Frames that do not parse: how many a peer may send, and whether upstream can stand them.

OCPP-J says nothing of use here. Relaying is right as long as upstream answers or ignores; some servers close instead,
and then one bad firmware would lose its connection for ever.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

MOST_PER_MINUTE = 20
"""A charger with one broken message type sends a few a minute; more is a peer that does not speak OCPP."""

CLOSED_WITHIN_S = 2.0
"""A close this soon after an unparsable frame is taken as the reaction to it."""

CLOSES_BEFORE_HOLDING = 3
HELD_AFTER_WINDOW_S = 600.0


@dataclass(slots=True)
class Unparsable:
    """One station's record of unparsable frames, over its connections. Times are monotonic seconds."""

    _received: deque[float] = field(default_factory=deque)
    _relayed_at: float | None = None
    _closes: deque[float] = field(default_factory=deque)
    held: bool = False
    """True: unparsable frames of this station are not relayed any more."""

    def received(self, now: float) -> bool:
        """Count one; False when the peer has sent too many within a minute."""
        self._received.append(now)
        while now - self._received[0] >= 60.0:
            self._received.popleft()
        return len(self._received) <= MOST_PER_MINUTE

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
        self._received.clear()
        self._relayed_at = None
