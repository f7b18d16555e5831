"""Frames that chargers sent, and what the gateway makes of each. A bug report is one more folder, without any Python.

`frames.jsonl` has one line for each thing that happened, in order:

    frame              the text, byte for byte; of the charger, unless `from` is "upstream"
    at                 when it was received; time passes until then, and timers run. The first line has one. A line may
                       have nothing else: time passes
    vendor, source     whose frame it is and where that was published; a line without them goes on from the line before
    complete           of a frame that was published: true as it was sent, false where a part of it had to be rebuilt.
                       A frame without it is composed from what its source describes
    note               what is odd about it

`expected.json` has one entry for each frame of the charger, in the same order:

    kind, id, action   the envelope as read (names of `frames.Kind`), after what is known to spoil it was taken away
    flaw               name of the `frames.Flaw` of the frame as sent
    corrected          names of the corrections that changed what was read
    oddities           what the dialect finds odd about the payload then
    fact               the class (`is`) and fields of what it tells; fields left out have their default
    counter            the name under which the frame is counted and logged on its way upstream

What is left out of an entry is null or empty. `topics.json` says what came of all of them together:

    quirk              the quirk that the folder proves to be of use, if any: folders are named like it
    named              quirks that the configuration gives this charger
    quirks             quirks that it is shown to have at the end
    topics             what stands on a topic at the end: some of the keys; null: nothing was ever published there
    events             all events of a topic, in order: some of the keys of each
    counted            how often something was counted, by name
    asked              what the gateway asked the charger by itself: [action, payload] of each CALL
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from gateway.core.moment import timestamp

FOLDER: Final = Path(__file__).resolve().parent

CHARGER: Final = "CP01"
"""Who sent all of them."""

_NOTHING: Final[dict[str, Any]] = {
    "flaw": None,
    "corrected": [],
    "oddities": [],
    "fact": None,
}


@dataclass(frozen=True)
class Recorded:
    """One frame of a charger; `name` is the folder and the frame's number in it, `expected` its entry, complete."""

    name: str
    vendor: str
    source: str
    published: bool
    text: str
    expected: dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One thing that happened: time passed until `at`, then the charger (`frame`) or upstream (`answer`) spoke."""

    at: datetime | None
    frame: Recorded | None = None
    answer: str | None = None


@dataclass(frozen=True)
class Case:
    """One folder."""

    name: str
    lines: tuple[Line, ...]
    outcome: dict[str, Any]

    @property
    def frames(self) -> list[Recorded]:
        """Those of the charger."""
        return [line.frame for line in self.lines if line.frame is not None]

    @property
    def begins(self) -> datetime:
        """When the first was received."""
        begins = self.lines[0].at
        assert begins is not None, f"the first line of {self.name} says when it was received"
        return begins

    @property
    def named(self) -> tuple[str, ...]:
        """Quirks that the configuration gives this charger."""
        return tuple(self.outcome.get("named", ()))


def cases() -> list[Case]:
    """Every folder."""
    return [_case(folder) for folder in sorted(FOLDER.iterdir()) if (folder / "frames.jsonl").exists()]


def recorded() -> list[Recorded]:
    """Every frame of a charger."""
    return [frame for case in cases() for frame in case.frames]


def told(value: Any) -> Any:
    """A report as it stands in `expected.json`: its class, and the fields that differ from their defaults."""
    match value:
        case datetime():
            return timestamp(value)
        case Decimal():
            return str(value)
        case tuple():
            return [told(item) for item in value]
        case _ if dataclasses.is_dataclass(value):
            fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
            defaults = {field.name: field.default for field in dataclasses.fields(value)}
            return {"is": type(value).__name__} | {
                name: told(one) for name, one in fields.items() if one is not None and one != defaults[name]
            }
        case _:
            return value


def _case(folder: Path) -> Case:
    rows = [json.loads(row) for row in (folder / "frames.jsonl").read_text("utf-8").split("\n") if row]
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    outcome = json.loads((folder / "topics.json").read_text("utf-8"))
    lines, vendor, source = [], "", ""
    for row in rows:
        at = datetime.fromisoformat(row["at"]) if "at" in row else None
        vendor, source = row.get("vendor", vendor), row.get("source", source)
        if "frame" not in row:
            lines.append(Line(at))
        elif row.get("from") == "upstream":
            lines.append(Line(at, answer=row["frame"]))
        else:
            number = sum(line.frame is not None for line in lines)
            entry = _NOTHING | expected[number]
            name = f"{folder.name}-{number + 1}"
            lines.append(Line(at, Recorded(name, vendor, source, "complete" in row, row["frame"], entry)))
    case = Case(folder.name, tuple(lines), outcome)
    assert len(case.frames) == len(expected), f"{folder.name} has an entry for each frame"
    return case
