"""Corrections of readings: the shape of meter values, and what a sampled value says of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from gateway.quirks.shapes import METER_LISTS, Payload, in_list, in_meter_values, in_samples, in_small, without

CONTEXTS: Final = frozenset(
    {
        "interruption.begin",
        "interruption.end",
        "other",
        "sample.clock",
        "sample.periodic",
        "transaction.begin",
        "transaction.end",
        "trigger",
    }
)
"""ReadingContext of 1.6, in small letters."""

DEFAULT_MEASURAND = "energy.active.import.register"
"""In small letters, that of a sampled value that names none."""


def object_as_list(payload: Payload) -> Payload:
    """A list of one where a charger sends that one by itself."""
    alone = {key: [payload[key]] for key in METER_LISTS if isinstance(payload.get(key), Mapping)}
    return in_meter_values({**payload, **alone} if alone else payload, _samples_as_list)


def drop_values_without_text(payload: Payload) -> Payload:
    """Sampled values without a value left out."""
    return in_samples(payload, lambda sample: None if _is_nothing(sample.get("value")) else sample)


def empty_sampled_value(payload: Payload) -> Payload:
    """Meter values without a sampled value left out."""
    return in_meter_values(payload, lambda meter: None if meter.get("sampledValue") in (None, []) else meter)


def kwh_labelled_wh(payload: Payload) -> Payload:
    """Active energy said to be in Wh, by a charger that means kWh."""
    return in_samples(payload, _in_kwh)


def phase_n_only(payload: Payload) -> Payload:
    """The phase left out of readings that a charger has for N alone: it has one phase, and means that."""
    return in_meter_values(payload, _without_lone_n)


def unknown_context(payload: Payload) -> Payload:
    """A foreign context as Other: such a reading may be years old, and is none of the present."""
    return in_samples(payload, _with_known_context)


def _samples_as_list(meter_value: Payload) -> Payload:
    alone = meter_value.get("sampledValue")
    return {**meter_value, "sampledValue": [alone]} if isinstance(alone, Mapping) else meter_value


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _in_kwh(sample: Payload) -> Payload:
    if not _measurand(sample).startswith("energy.active.") or in_small(sample.get("unit", "Wh")) != "wh":
        return sample
    return {**sample, "unit": "kWh"}


def _without_lone_n(meter_value: Payload) -> Payload:
    samples = meter_value.get("sampledValue")
    if not isinstance(samples, list):
        return meter_value
    tables = [sample for sample in samples if isinstance(sample, Mapping)]
    of_n = Counter(_measurand(sample) for sample in tables if in_small(sample.get("phase")) == "n")
    lone = {name for name, count in of_n.items() if count == [_measurand(sample) for sample in tables].count(name)}
    return in_list(
        meter_value, "sampledValue", lambda sample: without(sample, {"phase"}) if _measurand(sample) in lone else sample
    )


def _measurand(sample: Payload) -> str:
    return in_small(sample.get("measurand", DEFAULT_MEASURAND))


def _with_known_context(sample: Payload) -> Payload:
    context = in_small(sample.get("context"))
    return {**sample, "context": "Other"} if context and context not in CONTEXTS else sample
