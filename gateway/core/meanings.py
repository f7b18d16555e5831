"""What the words of OCPP and of the gateway's MQTT payloads mean to somebody who stands beside the charger.

The tables are in `meanings_connector`, `meanings_transaction` and `meanings_device`, one paragraph of three lines each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from gateway.core import meanings_connector, meanings_device, meanings_transaction
from gateway.core.transitions import STATUSES, transition

LONGEST_WORD: Final = 64
"""No word is as long; whoever pastes a whole message is answered all the same, and soon."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """A word in one of its uses. `severity` is ok, notice, warning or error; None where the word alone tells none."""

    word: str
    kind: str
    versions: tuple[str, ...]
    severity: str | None
    text: str
    advice: str


ERROR_CODE: Final = "error code"
TRANSITION: Final = "change of status"

_TABLES: Final = {
    "connector status": meanings_connector.STATUSES,
    ERROR_CODE: meanings_connector.ERROR_CODES,
    "charging state": meanings_connector.CHARGING_STATES,
    "stop reason": meanings_transaction.STOP_REASONS,
    "trigger reason": meanings_transaction.TRIGGER_REASONS,
    "authorization status": meanings_transaction.AUTHORIZATIONS,
    "registration status": meanings_transaction.REGISTRATIONS,
    "CALLERROR code": meanings_transaction.CALL_ERRORS,
    "component": meanings_device.COMPONENTS,
    "variable": meanings_device.VARIABLES,
    "condition": meanings_connector.CONDITIONS,
    "stale reason": meanings_connector.STALE_REASONS,
}
"""Most asked first: the kinds of one word are told in this order."""


def _rows(kind: str, table: str) -> Iterator[Meaning]:
    lines = table.strip().splitlines()
    for head, text, advice in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        word, versions, severity = (part.strip() for part in head.split("|"))
        told = None if severity == "-" else severity
        yield Meaning(word, kind, tuple(versions.split()), told, text.strip(), advice.strip())


def _folded(word: str) -> str:
    """`SuspendedEV`, `suspended_ev` and `suspended ev` are one word."""
    return "".join(char for char in word[:LONGEST_WORD].casefold() if char.isalnum())


def _transitions() -> Iterator[Meaning]:
    """The codes that events on MQTT carry for a change of status."""
    for before in STATUSES:
        for found in filter(None, (transition(before, after) for after in STATUSES)):
            text = f"From {before} to {STATUSES[int(found.code[1]) - 1]}: {found.meaning}."
            severity, advice = ("ok", _EXPECTED) if found.expected else ("notice", _UNEXPECTED)
            yield Meaning(found.code, TRANSITION, ("1.6",), severity, text, advice)


_EXPECTED: Final = "Nothing: the specification lists it."
_UNEXPECTED: Final = "Nothing, if it is rare. If the charger does it each time, ask its maker for newer firmware."

MEANINGS: Final = (*(row for kind, table in _TABLES.items() for row in _rows(kind, table)), *_transitions())

_BY_WORD: Final[dict[str, tuple[Meaning, ...]]] = {
    folded: tuple(row for row in MEANINGS if _folded(row.word) == folded)
    for folded in dict.fromkeys(_folded(row.word) for row in MEANINGS)
}


def meaning(word: str) -> tuple[Meaning, ...]:
    """Every use of a word; letter case, blanks and underscores do not matter. Empty for one that nobody knows."""
    return _BY_WORD.get(_folded(word), ())


def nearest(word: str) -> str:
    """The known words most like this one, `A or B`: up to three that are close, else the closest."""
    folded = _folded(word)
    close = get_close_matches(folded, _BY_WORD, n=3) or get_close_matches(folded, _BY_WORD, n=1, cutoff=0.0)
    return " or ".join(_BY_WORD[match][0].word for match in close)


def fault_text(code: str, vendor_error_code: str | None) -> str:
    """What a fault means and what to do, in one or two sentences; the maker's code behind them where there is one."""
    known = [row for row in meaning(code) if row.kind == ERROR_CODE]
    if known:
        told = f"{known[0].text} {known[0].advice}"
    else:
        told = "The charger gives an error code that OCPP does not know. Look it up in the charger's manual."
    return f"{told} Maker's code: {vendor_error_code}" if vendor_error_code else told
