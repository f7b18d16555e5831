"""Frames that real chargers sent, and what the gateway makes of each. A bug report is one more folder.

`frames.jsonl` has one line per frame, in the order of sending: `frame` is the text, byte for byte, `vendor` and
`source` say whose it is and where it was published, `note` what is odd about it; `complete` is false where a part of
the envelope had to be rebuilt. `expected.json` has one entry per frame, in the same order:

    kind, id, action   the envelope as read (names of `frames.Kind`)
    flaw               name of the `frames.Flaw`, or null
    oddities           what the dialect finds odd about the payload
    fact               the class (`is`) and fields of the fact it makes, null if it makes none; fields left out are None
    counter            the name under which the frame is counted and logged on its way upstream
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.core.facts import BootReported, StatusReported

FOLDER = Path(__file__).resolve().parent

_FACTS: dict[str, type[StatusReported | BootReported]] = {
    "StatusReported": StatusReported,
    "BootReported": BootReported,
}
_NO_BOOT = {"vendor": None, "model": None}


@dataclass(frozen=True)
class Recorded:
    """One frame of one case; `name` is the folder and the frame's number in it."""

    name: str
    vendor: str
    source: str
    text: str
    kind: str
    message_id: str
    action: str
    flaw: str | None
    oddities: tuple[str, ...]
    fact: StatusReported | BootReported | None
    counter: str


def recorded() -> list[Recorded]:
    """Every frame of every case."""
    return [frame for case in sorted(FOLDER.iterdir()) if (case / "frames.jsonl").exists() for frame in _read(case)]


def _read(case: Path) -> list[Recorded]:
    frames = [json.loads(line) for line in (case / "frames.jsonl").read_text("utf-8").splitlines()]
    expected = json.loads((case / "expected.json").read_text("utf-8"))
    return [
        Recorded(
            name=f"{case.name}-{number}",
            vendor=frame["vendor"],
            source=frame["source"],
            text=frame["frame"],
            kind=outcome["kind"],
            message_id=outcome["id"],
            action=outcome["action"],
            flaw=outcome["flaw"],
            oddities=tuple(outcome["oddities"]),
            fact=_fact(outcome["fact"]),
            counter=outcome["counter"],
        )
        for number, (frame, outcome) in enumerate(zip(frames, expected, strict=True), start=1)
    ]


def _fact(fields: dict[str, Any] | None) -> StatusReported | BootReported | None:
    if fields is None:
        return None
    values = dict(fields)
    made = _FACTS[values.pop("is")]
    return made(**(_NO_BOOT | values)) if made is BootReported else made(**values)
