"""What the configuration says about who may come in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.core.door import Unknown
from gateway.core.policy import StationPolicy


@dataclass(frozen=True, slots=True)
class Configured:
    """One `[[charger]]`; `where` names the file it stands in."""

    identity: str
    policy: StationPolicy
    alias: str | None = None
    where: str = "the configuration"


@dataclass(frozen=True, slots=True)
class Directory:
    """The chargers that are named, and what becomes of others."""

    unknown: Unknown
    anyone: StationPolicy
    configured: Mapping[str, Configured] = field(default_factory=dict)
    """By identity key."""

    def policy(self, key: str) -> StationPolicy:
        """The policy of one identity, configured or not."""
        configured = self.configured.get(key)
        return configured.policy if configured else self.anyone

    def alias(self, key: str) -> str | None:
        """The name in topics that the configuration gives to this identity."""
        configured = self.configured.get(key)
        return configured.alias if configured else None

    def aliases(self) -> set[str]:
        """Every name in topics that the configuration gives to somebody."""
        return {configured.alias for configured in self.configured.values() if configured.alias}
