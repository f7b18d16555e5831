"""Time as a value: every event comes with the moment at which it happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Moment:
    """Wall clock (aware, UTC) and monotonic clock (seconds, any origin) read together."""

    wall: datetime
    monotonic: float


def timestamp(wall: datetime) -> str:
    """RFC 3339 in UTC with milliseconds and `Z`, as every MQTT payload carries it."""
    return wall.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
