"""Strangers at the door: chargers that nobody configured and no upstream has ever accepted."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from enum import Enum

from gateway.core.events import Arrival
from gateway.core.facts import Quarantined
from gateway.core.moment import Moment
from gateway.core.record import identity_key

MOST_REMEMBERED = 200
"""A scanner on the network must not fill the memory; the oldest is forgotten first."""

MOST_NAMES = 8
LONGEST_NAME = 32
"""Of the subprotocols somebody offers: OCPP has had six versions, and the longest name has ten characters."""


class Unknown(Enum):
    """`[chargers] unknown`: what becomes of a charger that is not known."""

    QUARANTINE = "quarantine"
    ACCEPT = "accept"
    REFUSE = "refuse"


@dataclass(slots=True)
class Quarantine:
    """Those kept out, the one seen longest ago first."""

    _kept_out: OrderedDict[str, Quarantined] = field(default_factory=OrderedDict)

    def __len__(self) -> int:
        return len(self._kept_out)

    def keep_out(self, arrival: Arrival, now: Moment, reason: str = "unknown identity") -> Quarantined:
        """Remember an attempt."""
        key = identity_key(arrival.identity)
        before = self._kept_out.pop(key, None)
        seen = Quarantined(
            identity=arrival.identity,
            address=arrival.remote,
            subprotocols=tuple(name[:LONGEST_NAME] for name in arrival.offered[:MOST_NAMES]),
            reason=reason,
            last_seen=now.wall,
            attempts=1,
            credentials=arrival.authorization is not None,
        )
        self._kept_out[key] = replace(seen, attempts=before.attempts + 1) if before else seen
        if len(self._kept_out) > MOST_REMEMBERED:
            self._kept_out.popitem(last=False)
        return self._kept_out[key]

    def find(self, identity: str) -> Quarantined | None:
        """Who knocked under this identity."""
        return self._kept_out.get(identity_key(identity))

    def release(self, identity: str) -> bool:
        """Take it off the list; False if it is not on it."""
        return self._kept_out.pop(identity_key(identity), None) is not None

    def latest(self, most: int) -> list[Quarantined]:
        """The ones seen last, newest first."""
        return list(reversed(self._kept_out.values()))[:most]
