"""MeterValues, and the meter values that come with the end of a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from gateway.core.ports import Reading
from gateway.core.reports import MeterReported, MeterValue, Sample
from gateway.dialects.v16.fields import connector, is_told, number, text, time, transaction, word
from gateway.dialects.v16.vocabulary import CONTEXTS, LOCATIONS, MEASURANDS, PHASES, UNITS

MOST_SAMPLES = 10_000
"""A day of seven values each minute is as many. Reading them takes a fraction of a second on a Pi; of a longer message
the last are read, which are the newest, so that no message holds up the other chargers."""

NO_SAMPLE: Final = Sample("Energy.Active.Import.Register", None)
"""What every field that is left out stands for (1.6 7.42)."""


def meter_values(payload: Mapping[str, Any]) -> Reading:
    """MeterValues.req (1.6 6.31). Without a connector there is no fact; 0 is the main meter."""
    connector_id = connector(payload.get("connectorId"))
    if connector_id is None:
        return Reading(oddities=("unreadable_connector",))
    odd: list[str] = []
    transaction_id = transaction(payload.get("transactionId"), odd)
    values = values_of(payload.get("meterValue"), odd)
    if not values and not odd:
        odd.append("empty_meter_value")
    return Reading(MeterReported(connector_id, values, transaction_id), tuple(dict.fromkeys(odd)))


def values_of(listed: Any, odd: list[str]) -> tuple[MeterValue, ...]:
    """A list of MeterValue, in the order sent. What is no such thing is left out and named in `odd`."""
    values: list[MeterValue] = []
    left = MOST_SAMPLES
    for entry in reversed(_objects(listed, "unreadable_meter_value", odd)):
        sampled = _objects(entry.get("sampledValue"), "unreadable_sampled_value", odd)
        if not sampled:
            odd.append("empty_sampled_value")
            continue
        if left < len(sampled):
            odd.append("too_many_samples")
            if not left:
                break
        sampled = sampled[-left:]
        left -= len(sampled)
        charger_ts, sampled_at = time(entry.get("timestamp"), odd, required=True)
        values.append(MeterValue(tuple(_sample(fields) for fields in sampled), charger_ts, sampled_at))
    return tuple(reversed(values))


def _objects(listed: Any, oddity: str, odd: list[str]) -> list[Mapping[str, Any]]:
    """The objects in a list; an object where the list belongs counts as its only one."""
    if isinstance(listed, Mapping):
        odd.append("object_instead_of_list")
        return [listed]
    if not isinstance(listed, list):
        if is_told(listed):
            odd.append(oddity)
        return []
    objects = [entry for entry in listed if isinstance(entry, Mapping)]
    if len(objects) < len(listed):
        odd.append(oddity)
    return objects


def _sample(fields: Mapping[str, Any]) -> Sample:
    """A SampledValue (1.6 7.42). What is signed is not read."""
    sample = Sample(
        measurand=word(fields.get("measurand"), MEASURANDS) or NO_SAMPLE.measurand,
        value=None,
        unit=word(fields.get("unit"), UNITS),
        phase=word(fields.get("phase"), PHASES),
        location=word(fields.get("location"), LOCATIONS) or NO_SAMPLE.location,
        context=word(fields.get("context"), CONTEXTS) or NO_SAMPLE.context,
    )
    if (text(fields.get("format")) or "").lower() == "signeddata":
        return replace(sample, signed=True)
    value, refused = number(fields.get("value"))
    return replace(sample, value=value, refused=refused)
