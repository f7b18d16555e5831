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
    quirks: tuple[str, ...] = ()
    """Names of the quirks that the configuration gives it, whatever it says of itself."""
    unusable: str | None = None
    """Why nobody can be served under this policy until the configuration is repaired; ends with what to do."""

    @property
    def terms(self) -> tuple[object, ...]:
        """What a connection was let in under: when it changes, the charger has to come in anew."""
        upstream = self.upstream
        dialled = (upstream.name, upstream.username, upstream.password) if upstream is not None else None
        return dialled, self.password, self.subprotocol, self.unusable
