"""The changes of status that OCPP 1.6 lists (section 4.9), for connectors above 0: a label, never a filter.

What is not listed happens all the same. Short statuses may be left out and gaps hide what was in between, so a change
that is not listed is marked and counted, and the connector is what its charger says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

STATUSES: Final = (
    "Available",
    "Preparing",
    "Charging",
    "SuspendedEV",
    "SuspendedEVSE",
    "Finishing",
    "Reserved",
    "Unavailable",
    "Faulted",
)
"""The nine of 1.6 (7.7), in the order of the specification's table."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A change from one status to another: its code (`C4`: from the third to the fourth), and whether it is listed."""

    code: str
    expected: bool
    meaning: str


# From = row, to = column; a dot stands where the specification lists nothing.
#                 1  2  3  4  5  6  7  8  9
#                 Av Pr Ch SV SE Fi Re Un Fl
_LISTED: Final = {
    "A": ".  A2 A3 A4 A5 .  A7 A8 A9",  # Available
    "B": "B1 .  B3 B4 B5 B6 .  .  B9",  # Preparing
    "C": "C1 .  .  C4 C5 C6 .  C8 C9",  # Charging
    "D": "D1 .  D3 .  D5 D6 .  D8 D9",  # SuspendedEV
    "E": "E1 .  E3 E4 .  E6 .  E8 E9",  # SuspendedEVSE
    "F": "F1 F2 .  .  .  .  .  F8 F9",  # Finishing
    "G": "G1 G2 .  .  .  .  .  G8 G9",  # Reserved
    "H": "H1 H2 H3 H4 H5 .  .  .  H9",  # Unavailable
    "I": "I1 I2 I3 I4 I5 I6 I7 I8 . ",  # Faulted
}

_ENDS_FREE: Final = "the session ends and nothing is left to do at the connector"
_ENDS_BUSY: Final = "the transaction is over, the cable or the car is still there"
_ENDS_CLOSED: Final = "the session ends, and the connector was due to become unavailable"
_FAULT: Final = "a fault is detected that prevents charging"
_RESOLVED: Final = "the fault is resolved, the status before it returns"
_OPENED: Final = "made available again after a driver had already begun"

MEANINGS: Final = {
    "A2": "use begins: cable, car in the bay, tag or remote start",
    "A3": "a charger without authorization charges at once",
    "A4": "a charger without authorization is ready, the car does not start",
    "A5": "a charger without authorization offers no energy yet",
    "A7": "a reservation takes the connector",
    "A8": "taken out of service",
    "B1": "the intended use ends: unplugged, tag shown again, or nobody went on in time",
    "B3": "all is there, charging begins",
    "B4": "all is there, the car does not start",
    "B5": "all is there, the charger offers no energy",
    "B6": "no tag was shown in time, the cable is still in",
    "C1": _ENDS_FREE,
    "C4": "the car stops taking energy",
    "C5": "the charger stops offering energy",
    "C6": _ENDS_BUSY,
    "C8": _ENDS_CLOSED,
    "D1": _ENDS_FREE,
    "D3": "the car takes energy again",
    "D5": "the charger stops offering energy while the car pauses",
    "D6": _ENDS_BUSY,
    "D8": _ENDS_CLOSED,
    "E1": _ENDS_FREE,
    "E3": "the charger offers energy again, charging resumes",
    "E4": "the charger offers energy again, the car does not start",
    "E6": _ENDS_BUSY,
    "E8": _ENDS_CLOSED,
    "F1": "everything is cleared away, the connector is free",
    "F2": "the driver begins anew: the next one is another transaction",
    "F8": "everything is cleared away, and the connector was due to become unavailable",
    "G1": "the reservation ran out or was cancelled",
    "G2": "whoever reserved it is there",
    "G8": "the reservation is over, and the connector was due to become unavailable",
    "H1": "put back into service",
    "H2": f"{_OPENED}: preparing",
    "H3": f"{_OPENED}: charging",
    "H4": f"{_OPENED}: the car does not take energy",
    "H5": f"{_OPENED}: the charger offers no energy",
    **{f"{row}9": _FAULT for row in "ABCDEFGH"},
    **{f"I{column}": _RESOLVED for column in "12345678"},
}
"""What each listed code says, in the words of whoever looks at the connector."""

NOT_LISTED: Final = "not in the specification's table: a status was left out, or came while nobody listened"

_NUMBERS: Final = {status.casefold(): number for number, status in enumerate(STATUSES)}
_EXPECTED: Final = frozenset(code for row in _LISTED.values() for code in row.split() if code != ".")


def transition(before: str, after: str) -> Transition | None:
    """The change between two raw statuses; None where nothing changes, or where one is none of the nine.

    Letter case and surrounding blanks do not matter.
    """
    row, column = _number(before), _number(after)
    if row is None or column is None or row == column:
        return None
    code = f"{'ABCDEFGHI'[row]}{column + 1}"
    return Transition(code, code in _EXPECTED, MEANINGS.get(code, NOT_LISTED))


def _number(status: str) -> int | None:
    return _NUMBERS.get(status.strip().casefold())
