"""The phases of a session in one short text: a row has to fit into its page with all of them.

`{"begun":"2026-03-01T12:00:00.000000+00:00","names":["charging","suspended_ev"],"phases":[[0,61.5,0],[1,20.0,-2]]}`:
each has its name by place, its seconds, and how many microseconds after the end of the one before it begins.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from gateway.adapters.sqlite_store.columns import Stored, loaded, stored, time_from, time_text
from gateway.core.memory import Phase

ROOM_CHARACTERS = 440
"""Filled up with spaces. So the row of a session has more than half a page (`PAGE_BYTES`) from the first, stands there
alone, and grows in its place: one page is written for each change, while neighbours would have to make way."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def phases_text(phases: tuple[Phase, ...]) -> Stored:
    """What stands in the column."""
    names = list(dict.fromkeys(phase.name for phase in phases))
    rows, end_us = [], _since_us(phases[0]) if phases else 0
    for phase in phases:
        rows.append([names.index(phase.name), phase.seconds, _since_us(phase) - end_us])
        end_us = _end_us(_since_us(phase), phase.seconds)
    begun = time_text(phases[0].since) if phases else None
    text = json.dumps({"begun": begun, "names": names, "phases": rows}, ensure_ascii=False, separators=(",", ":"))
    return stored(text.ljust(ROOM_CHARACTERS))


def phases_from(value: object) -> tuple[Phase, ...]:
    """The phases that stand in a column. Raises ValueError or TypeError if none do."""
    if not isinstance(value, Stored):
        raise ValueError(f"{value!r} is no text")
    match json.loads(loaded(value)):
        case {"begun": None, "phases": []}:
            return ()
        case {"begun": str() as begun, "names": list() as names, "phases": list() as rows}:
            return tuple(_read(time_from(begun), names, rows))
        case other:
            raise ValueError(f"{other!r} are no phases")


def _read(begun: datetime, names: list[object], rows: list[object]) -> list[Phase]:
    phases, end_us = [], _us(begun)
    for row in rows:
        match row:
            case [int() as place, float() | int() as seconds, int() as later_us] if 0 <= place < len(names):
                since_us = end_us + later_us
            case _:
                raise ValueError(f"{row!r} is no phase")
        name = names[place]
        if not isinstance(name, str):
            raise ValueError(f"{name!r} is no name")
        try:
            phases.append(Phase(name, _EPOCH + timedelta(microseconds=since_us), float(seconds)))
            end_us = _end_us(since_us, seconds)
        except OverflowError as error:
            raise ValueError(f"{row!r} is beyond all times") from error
    return phases


def _since_us(phase: Phase) -> int:
    return _us(phase.since)


def _us(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _end_us(since_us: int, seconds: float) -> int:
    return since_us + round(seconds * 1_000_000)
