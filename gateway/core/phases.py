"""How long a session was in which condition, in seconds that were counted while they passed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gateway.core.memory import Phase, SessionRecord

CHARGING, PREPARING = "charging", "preparing"

UNKNOWN_PHASE = "unknown"
"""The charger was away or restarting, and came back in another condition: nobody knows when it changed."""

FORGOTTEN = frozenset({"available", PREPARING, "reserved", "finishing"})
"""Conditions of a connector in which its charger knows of no transaction (1.6 4.9)."""

IN_TRANSACTION = frozenset({CHARGING, "suspended_ev", "suspended_evse"})

MOST_PHASES = 20
"""A car that pauses every few minutes makes hundreds in a night, and each change writes all of them to the card: with
20 the row fits into one page of the store. The oldest go first, and `charging_s` has counted them."""

_DIGITS = 6
"""Seconds are counted to the microsecond: what is beyond is noise of the clocks, and only makes a row longer."""


def phase_of(record: SessionRecord) -> str | None:
    """The condition that its time is counted for; None before the first."""
    return record.phases[-1].name if record.phases else None


def was_in_transaction(record: SessionRecord) -> bool:
    """Did its connector show that energy was offered?"""
    return record.charging_s > 0 or any(phase.name in IN_TRANSACTION for phase in record.phases)


def entered(record: SessionRecord, name: str, since: datetime) -> SessionRecord:
    """A phase begins."""
    return replace(record, phases=(*record.phases, Phase(name, since, 0.0))[-MOST_PHASES:])


def counted(record: SessionRecord, seconds: float) -> SessionRecord:
    """So much more time passed, in the phase that lasts."""
    seconds = round(seconds, _DIGITS)
    record = replace(record, duration_s=round(record.duration_s + seconds, _DIGITS))
    return _lengthened(record, seconds) if record.phases else record


def cut(record: SessionRecord, seconds: float) -> SessionRecord:
    """It was over so many seconds ago: the time after that was none of its own."""
    seconds = round(seconds, _DIGITS)
    record = replace(record, duration_s=max(0.0, round(record.duration_s - seconds, _DIGITS)))
    while seconds > 0 and record.phases:
        last = record.phases[-1]
        if last.seconds > seconds:
            return _lengthened(record, -seconds)
        record = _lengthened(record, -last.seconds)
        record = replace(record, phases=record.phases[:-1])
        seconds -= last.seconds
    return record


def silent_since(record: SessionRecord) -> datetime | None:
    """Since when its connector showed nothing of a transaction, before it may have shown that there is none; for what
    was read from the store, where nothing else tells."""
    since = None
    for phase in reversed(record.phases):
        if phase.name in IN_TRANSACTION:
            break
        since = since if phase.name in FORGOTTEN else phase.since
    return since


def begun_later(record: SessionRecord, started: datetime, seconds: float, *, late: bool) -> SessionRecord:
    """It began so many seconds later than was thought: the time before that was none of its own."""
    shorter = replace(record, started=started, started_late=late, duration_s=max(0.0, record.duration_s - seconds))
    if not record.phases or record.phases[0].since != record.started:
        return shorter
    first, *others = record.phases
    surplus_s = min(seconds, first.seconds)
    charging_s = record.charging_s - surplus_s if first.name == CHARGING else record.charging_s
    first = replace(first, since=started, seconds=first.seconds - surplus_s)
    return replace(shorter, phases=(first, *others), charging_s=max(0.0, charging_s))


def _lengthened(record: SessionRecord, seconds: float) -> SessionRecord:
    last = record.phases[-1]
    charging_s = record.charging_s + seconds if last.name == CHARGING else record.charging_s
    longer = replace(last, seconds=max(0.0, round(last.seconds + seconds, _DIGITS)))
    return replace(record, phases=(*record.phases[:-1], longer), charging_s=max(0.0, round(charging_s, _DIGITS)))
