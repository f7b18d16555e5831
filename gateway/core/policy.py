"""What the configuration says about one station, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class UpstreamPolicy:
    """The upstream of a station. `password` replaces the charger's own header."""

    name: str
    refusal_grace_s: float = 86_400.0
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StationPolicy:
    """One station's share of the configuration; every field has the value of a charger that nobody configured."""

    upstream: UpstreamPolicy | None
    name: str | None = None
    password: str | None = field(default=None, repr=False)
    subprotocol: str | None = None
    pings: bool = True
    refresh: bool = True
    idle_limit_s: float = 180.0
