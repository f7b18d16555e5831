"""How long a session was in which condition, in seconds that were counted while they passed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gateway.core.memory import Phase, SessionRecord

CHARGING = "charging"

UNKNOWN_PHASE = "unknown"
"""The charger was away or restarting, and came back in another condition: nobody knows when it changed."""

FORGOTTEN = frozenset({"available", "preparing", "reserved", "finishing"})
"""Conditions of a connector in which its charger knows of no transaction (1.6 4.9)."""

IN_TRANSACTION = frozenset({CHARGING, "suspended_ev", "suspended_evse"})

MOST_PHASES = 100
"""A car that pauses every few minutes makes hundreds in a night. A hundred are 9 kB in the row and on MQTT; the oldest
go first, and `charging_s` has counted them."""


def phase_of(record: SessionRecord) -> str | None:
    """The condition that its time is counted for; None before the first."""
    return record.phases[-1].name if record.phases else None


def entered(record: SessionRecord, name: str, since: datetime) -> SessionRecord:
    """A phase begins."""
    return replace(record, phases=(*record.phases, Phase(name, since, 0.0))[-MOST_PHASES:])


def counted(record: SessionRecord, seconds: float) -> SessionRecord:
    """So much more time passed, in the phase that lasts."""
    record = replace(record, duration_s=record.duration_s + seconds)
    return _lengthened(record, seconds) if record.phases else record


def cut(record: SessionRecord, seconds: float) -> SessionRecord:
    """It was over so many seconds ago: the time after that was none of its own."""
    record = replace(record, duration_s=max(0.0, record.duration_s - seconds))
    while seconds > 0 and record.phases:
        last = record.phases[-1]
        if last.seconds > seconds:
            return _lengthened(record, -seconds)
        record = _lengthened(record, -last.seconds)
        record = replace(record, phases=record.phases[:-1])
        seconds -= last.seconds
    return record


def _lengthened(record: SessionRecord, seconds: float) -> SessionRecord:
    last = record.phases[-1]
    charging_s = record.charging_s + seconds if last.name == CHARGING else record.charging_s
    longer = replace(last, seconds=max(0.0, last.seconds + seconds))
    return replace(record, phases=(*record.phases[:-1], longer), charging_s=max(0.0, charging_s))
