"""The words of OCPP 1.6, from the `ocpp` package, and where in a payload the time and the accepted answers stand."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final

from ocpp.v16.enums import (
    Action,
    ChargePointErrorCode,
    ChargePointStatus,
    Location,
    Measurand,
    Phase,
    ReadingContext,
    Reason,
    UnitOfMeasure,
)

ACTIONS: Final = frozenset(action.value for action in Action)
STATUSES: Final = frozenset(status.value for status in ChargePointStatus)
ERROR_CODES: Final = frozenset(code.value for code in ChargePointErrorCode)

TELL_THE_TIME: Final = frozenset({"BootNotification", "Heartbeat"})
"""Actions whose answer carries `currentTime`."""

ROUTINE: Final = frozenset({"Heartbeat", "MeterValues"})


def _spellings(words: Iterable[Enum]) -> dict[str, str]:
    """The word for each spelling of it in lower case."""
    return {str(word.value).lower(): str(word.value) for word in words}


REASONS: Final = _spellings(Reason)
MEASURANDS: Final = _spellings(Measurand)
PHASES: Final = _spellings(Phase)
LOCATIONS: Final = _spellings(Location)
CONTEXTS: Final = _spellings(ReadingContext)
UNITS: Final = _spellings(UnitOfMeasure) | {"celcius": "Celsius"}  # misspelt in the first schema (1.6-J errata 2.1)
