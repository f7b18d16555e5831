"""What a 1.6 connector status means to those who do not speak OCPP: one word and a few yes/no answers.

None is "the status does not tell", and it is the honest answer more often than one would think.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from gateway.core.reports import NO_ERROR, StatusReported


@dataclass(frozen=True, slots=True)
class Condition:
    """One row: the word for MQTT, and what follows from it for the connector."""

    word: str
    plugged: bool | None
    charging: bool | None
    operative: bool | None
    reserved: bool | None
    in_session: bool | None


# Section numbers are those of OCPP 1.6 edition 2 and its errata sheet.
CONDITIONS: Final = {
    #                word            plugged charging operative reserved in_session
    # "Free for a new user" (7.7). Firmware that says so with a cable in is a quirk (`Circumstances`), not a meaning.
    "Available": Condition("available", False, False, True, False, False),
    # A tag alone, or a car in the bay, is enough (4.9 A2), so the cable may still hang on its hook.
    "Preparing": Condition("preparing", None, False, True, False, False),
    # The contactor is closed and the car may take energy (7.7); the power can still be 0 W.
    "Charging": Condition("charging", True, True, True, False, True),
    "SuspendedEV": Condition("suspended_ev", True, False, True, False, True),
    # Also after upstream refused the tag of a running transaction (4.9 C5): the transaction is still there.
    "SuspendedEVSE": Condition("suspended_evse", True, False, True, False, True),
    # The transaction is over, the cable is still in (7.7; B6: it was never used). Ends when it is pulled.
    "Finishing": Condition("finishing", True, False, True, False, False),
    # Another driver's car changes nothing until the right tag is shown (4.9 G2), so it may well be plugged.
    "Reserved": Condition("reserved", None, False, True, True, False),
    # Restarts and firmware updates say this too (7.7), with a car plugged in and its session to be resumed.
    "Unavailable": Condition("unavailable", None, False, False, False, None),
    # Goes back to whatever was before, a transaction or a reservation included (4.9 I1 to I8).
    "Faulted": Condition("faulted", None, False, False, None, None),
    # Not of 1.6 but of 1.5, and old firmware still sends it: anything from Preparing to Finishing.
    "Occupied": Condition("occupied", None, None, True, False, None),
}

UNKNOWN: Final = Condition("unknown", None, None, None, None, None)

FAULTED = "faulted"

EV_SIDE_DISCONNECTED = "ev side disconnected"
"""`info` when the cable left the car but not the charger (9.1, StopTransactionOnEVSideDisconnect)."""

_FIGURES: Final = re.compile(r"[-+]?\d+(?:[.,:]\d+)*")

_BY_STATUS: Final = {status.casefold(): condition for status, condition in CONDITIONS.items()}


def meaning_of(status: str, info: str | None = None) -> Condition:
    """The row of a raw status; letter case and surrounding blanks do not matter. Anything else is UNKNOWN."""
    condition = _BY_STATUS.get(status.strip().casefold(), UNKNOWN)
    if condition.plugged and info is not None and info.strip().casefold() == EV_SIDE_DISCONNECTED:
        return replace(condition, plugged=False)
    return condition


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a status alone does not tell: is a session open, did one end with the cable not seen out since, and the ways
    of this charger."""

    in_session: bool = False
    ended: bool = False
    available_while_plugged: bool = False
    occupied_as_in_1_5: bool = False


def judged(report: StatusReported, around: Circumstances) -> Condition:
    """What a report means under its circumstances. The raw status stays what it is, beside it."""
    condition = meaning_of(report.status, report.info)
    if condition.word == "occupied" and around.occupied_as_in_1_5:
        condition = CONDITIONS["Charging" if around.in_session else "Preparing"]
    if condition.word == "preparing" and around.ended and not around.in_session:
        # Many chargers say Preparing where Finishing is meant: nothing was done to begin anew, the cable is still in.
        condition = CONDITIONS["Finishing"]
    if condition.word == "available" and around.available_while_plugged:
        condition = replace(condition, plugged=None)
    return replace(condition, in_session=True) if around.in_session else condition


def in_words(info: str | None) -> str:
    """What `info` says, without its figures: they are measurements, and would make news of every message."""
    return _FIGURES.sub("0", (info or "").strip().casefold())


def condition_of(status: str) -> str:
    """The word for a raw status."""
    return meaning_of(status).word


def is_faulty(status: str, error_code: str) -> bool:
    """Whether a report carries a fault or a warning: Faulted, or any code but NoError (4.9)."""
    return condition_of(status) == FAULTED or error_code.casefold() != NO_ERROR.casefold()
