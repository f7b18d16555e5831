"""Every correction by its name, with the actions it concerns and the parameters it takes.

The order is that in which they are applied: what makes shapes right comes before what looks into them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.core.traits import Trait
from gateway.quirks import members, readings, texts
from gateway.quirks.shapes import Payload

STATUS: Final = frozenset({"StatusNotification"})
BOOT: Final = frozenset({"BootNotification"})
START: Final = frozenset({"StartTransaction"})
STOP: Final = frozenset({"StopTransaction"})
METER: Final = frozenset({"MeterValues"})
TAG: Final = frozenset({"Authorize"})
READINGS: Final = METER | STOP
TIMED: Final = STATUS | START | READINGS
"""Actions of 1.6 that carry a time (and readings, whose own it is)."""
READ: Final = TIMED | BOOT | TAG
"""Actions of 1.6 that the gateway reads."""

FARTHEST_ZONE_MINUTES = 14 * 60
"""No place on earth is further ahead of UTC."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A whole number that a correction needs, between two bounds."""

    lowest: int
    highest: int


@dataclass(frozen=True, slots=True)
class PayloadCorrection:
    """`correct` is given a payload of one of the `actions`, and each parameter by its name."""

    actions: frozenset[str]
    correct: Callable[..., Payload]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


_OFFSET: Final = {"offset_minutes": Parameter(-FARTHEST_ZONE_MINUTES, FARTHEST_ZONE_MINUTES)}

TEXT_REPAIRS: Final[Mapping[str, Callable[[str], str]]] = {
    "strip_nul": texts.strip_nul,
    "stray_commas": texts.stray_commas,
    "missing_value": texts.missing_value,
    "unclosed": texts.unclosed,
}
"""Repairs of frames that are no JSON."""

PAYLOAD_CORRECTIONS: Final[Mapping[str, PayloadCorrection]] = {
    "object_as_list": PayloadCorrection(READINGS, readings.object_as_list),
    "text_as_numbers": PayloadCorrection(STATUS | START | READINGS, members.text_as_numbers),
    "numbers_as_text": PayloadCorrection(READ, members.numbers_as_text),
    "null_as_absent": PayloadCorrection(READ, members.null_as_absent),
    "empty_as_absent": PayloadCorrection(READ, members.empty_as_absent),
    "error_code_outside_enum": PayloadCorrection(STATUS, members.error_code_outside_enum),
    "huge_transaction_id": PayloadCorrection(READINGS, members.huge_transaction_id),
    "negative_transaction_id": PayloadCorrection(READINGS, members.negative_transaction_id),
    "registers_in_kwh": PayloadCorrection(START | STOP, members.registers_in_kwh),
    "drop_values_without_text": PayloadCorrection(READINGS, readings.drop_values_without_text),
    "empty_sampled_value": PayloadCorrection(READINGS, readings.empty_sampled_value),
    "kwh_labelled_wh": PayloadCorrection(READINGS, readings.kwh_labelled_wh),
    "phase_n_only": PayloadCorrection(READINGS, readings.phase_n_only),
    "unknown_context": PayloadCorrection(READINGS, readings.unknown_context),
    # A quirk named for one charger may know its zone, where one that matches many assumes UTC.
    "local_time_marked_utc": PayloadCorrection(TIMED, members.local_time_marked_utc, _OFFSET),
    "local_time": PayloadCorrection(TIMED, members.local_time, _OFFSET),
    "zoneless_time": PayloadCorrection(TIMED, members.zoneless_time),
}
"""Corrections of payloads. They copy what they change, never raise, and give back the same object otherwise."""

TRAITS: Final[Mapping[str, Trait]] = {trait.value: trait for trait in Trait}
"""Ways of a charger that the core takes into account."""

NAMES: Final = (*TEXT_REPAIRS, *PAYLOAD_CORRECTIONS, *TRAITS)
"""Everything that a quirk may list among its corrections."""


def parameters_of(name: str) -> Mapping[str, Parameter]:
    """What this correction has to be told."""
    correction = PAYLOAD_CORRECTIONS.get(name)
    return correction.parameters if correction else {}
