"""Asking a charger for the statuses that it did not tell by itself: seldom, politely, and never twice.

FIELD: chargers that are asked right after they connect reconnect in loops, and some firmware reboots. So a charger has
its time first, each connector is asked for by itself (some refuse a question without one), and a charger that takes a
question badly is left alone as long as it has this model and firmware.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import Enum

from gateway.core.connectors import CHARGER, MOST_CONNECTORS


class Service(Enum):
    """Who answers the charger."""

    RELAYED = "relayed"
    """A live upstream, which may ask by itself."""
    LOCAL = "local"
    """The gateway: nobody else is going to ask."""


ASK_AFTER_S = {Service.RELAYED: 60.0, Service.LOCAL: 15.0}
"""From a boot or a connection on. A charger reports by itself within seconds; most upstreams ask within a minute."""

BETWEEN_S = 2.0
"""A slow charger has answered and reported before the next question."""

BUSY_AGAIN_S = 5.0
"""Upstream's own CALL comes first; most are answered within this time."""

BLAMED_WITHIN_S = 30.0
"""A charger that reconnects or reboots over a question does so within seconds; half a minute covers a reboot."""


@dataclass(slots=True)
class Refresh:
    """For one connection. `unreported` names the connectors that nobody has confirmed on it."""

    unreported: Callable[[], Collection[int]]
    service: Service = Service.RELAYED
    last_asked: int | None = None
    """Of which connector the last question was."""
    ended: bool = False
    """Nothing is asked any more on this connection."""
    _asked: set[int] = field(default_factory=set)
    _awaited: set[int] = field(default_factory=set)
    _begun: bool = False
    _last_asked: float | None = None

    @property
    def wait_s(self) -> float | None:
        """How long to wait after a boot, or the beginning of the connection; None once asking has begun."""
        return None if self._begun or self.ended else ASK_AFTER_S[self.service]

    def next(self, busy: bool, monotonic: float) -> int | float | None:
        """It is time: the connector (int) to ask for, seconds (float) to wait for the next look, or None: done."""
        if self.ended:
            return None
        if busy:
            return BUSY_AGAIN_S
        self._begun = True
        # The charger itself last: some take no question about it.
        left = sorted((connector for connector in self.unreported() if connector not in self._asked), key=_last_0)
        if not left:
            self.ended = True
            return None
        self._asked.add(left[0])
        self._awaited.add(left[0])
        self.last_asked = left[0]
        self._last_asked = monotonic
        return left[0]

    def answers(self, connector_id: int) -> bool:
        """A status of this connector came: is it the first since it was asked for?"""
        awaited = connector_id in self._awaited
        self._awaited.discard(connector_id)
        return awaited

    def blames(self, monotonic: float) -> bool:
        """The connection ended now: may a question of ours be the reason?"""
        return self._last_asked is not None and monotonic - self._last_asked <= BLAMED_WITHIN_S


def expected_connectors(known: Collection[int]) -> set[int]:
    """The connectors that a charger has, as far as anybody knows: they are numbered without gaps (1.6 3.8), and the
    charger itself is asked for only if it ever reported (many never do). No gap is filled up to a number that no
    charger has."""
    highest = max([1, *(connector for connector in known if connector <= MOST_CONNECTORS)])
    return set(range(1, highest + 1)) | set(known)


def _last_0(connector_id: int) -> tuple[bool, int]:
    return connector_id == CHARGER, connector_id
