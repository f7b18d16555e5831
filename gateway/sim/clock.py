"""Wall clock of the simulator and the form in which OCPP 1.6 writes it."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The wall clock, with zone."""
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """OCPP text of a moment, whole seconds in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
