"""Kinds of chargers at the door, by what the store knows of them and what they show."""

from __future__ import annotations

from gateway.core.effects import CheckCredentials
from gateway.core.record import StationRecord
from tests.core.drive import HASH, MINE, OTHER, Drive, drive, known

CHARGERS: dict[str, tuple[StationRecord | None, str | None, bool | None]] = {
    # what the store has, what the charger shows, what the comparison says (None: nobody has to compare)
    "never accepted": (None, MINE, None),
    "never accepted, without credentials": (None, None, None),
    "accepted by another upstream only": (known(HASH, upstream="former"), MINE, True),
    "unchanged": (known(HASH), MINE, True),
    "changed": (known(HASH), OTHER, False),
    "credentials dropped": (known(HASH), None, None),
    "credentials new": (known(None), MINE, None),
    "none ever used": (known(None), None, None),
}
TRUSTED = {"unchanged", "none ever used"}


def knock(kind: str, *, check: str = "first") -> tuple[Drive, int]:
    """A charger of this kind at the door; its credentials are compared first, last or never."""
    record, authorization, unchanged = CHARGERS[kind]
    table = drive(record)
    generation = table.arrive(authorization)
    assert len(table.all(CheckCredentials)) == (unchanged is not None)
    if unchanged is not None and check == "first":
        table.checked(generation, unchanged)
    return table, generation


def compare(table: Drive, kind: str, generation: int) -> None:
    """The comparison ends, if there is one."""
    unchanged = CHARGERS[kind][2]
    if unchanged is not None:
        table.checked(generation, unchanged)
