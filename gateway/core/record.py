"""What the store keeps of a station."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum


class Standing(Enum):
    """By what right a charger is known to the gateway."""

    CONFIGURED = "configured"
    """The configuration names it, and it is a stranger again once that line is gone."""
    ACCEPTED = "accepted"
    """It came while `[chargers] unknown` was `accept`, and stays known when that is changed."""
    ADOPTED = "adopted"
    """An operator took it out of the quarantine."""


@dataclass(frozen=True, slots=True)
class StationRecord:
    """One row: a charger that was let in at least once, or adopted.

    `identity` has the spelling first seen; identities are compared by `key` (identifierString is case-insensitive).
    `accepted` maps the name of an upstream to the wall time of its first 101. `credential_hash` is the salted hash of
    the Authorization header last accepted, None when the charger used none.
    """

    identity: str
    slug: str
    first_seen: datetime
    accepted: dict[str, datetime] = field(default_factory=dict)
    subprotocol: str | None = None
    credential_hash: str | None = field(default=None, repr=False)
    standing: Standing = Standing.ACCEPTED
    connectors: frozenset[int] = frozenset()
    """Those that ever stood on MQTT, to be cleared there one day."""

    @property
    def key(self) -> str:
        """How identities are compared."""
        return identity_key(self.identity)

    def accepted_by(self, upstream: str, at: datetime) -> StationRecord:
        """The record after an upgrade that this upstream granted."""
        return replace(self, accepted={**self.accepted, upstream: at})

    def known_by(self, standing: Standing) -> StationRecord:
        """The record after it came in by this right: a line in the configuration takes no better one away."""
        if self.standing is not Standing.CONFIGURED:
            return self
        return replace(self, standing=standing)


def identity_key(identity: str) -> str:
    """The form under which two spellings of one identity are the same."""
    return identity.casefold()
