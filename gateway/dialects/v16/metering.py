"""MeterValues, and the meter values that come with the end of a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from gateway.core.ports import Reading
from gateway.core.reports import MeterReported, MeterValue, Sample
from gateway.dialects.v16.fields import connector, is_told, number, text, time, transaction, word
from gateway.dialects.v16.vocabulary import CONTEXTS, LOCATIONS, MEASURANDS, PHASES, UNITS

MOST_VALUES = 500
"""Eight hours of a value each minute. A message holds up every charger while it is read: of a longer one the last are
read, which are the newest, and what else the gateway needs of a session stands in its beginning and its end."""

MOST_SAMPLES = 2000
"""Four in each of so many values, or a few hundred values of a charger that tells everything."""

TOO_MANY: Final = "too_many_samples"

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
    """A list of MeterValue, in the order sent. What is no such thing is left out and named in `odd`.

    Of a list that is too long nothing but its end is looked at, and no value is read in part: phases would be missing
    in its sums. Only where the last value alone is too long, the last of its samples count.
    """
    values: list[MeterValue] = []
    left = MOST_SAMPLES
    for entry in reversed(_objects(_last(listed, MOST_VALUES, odd), "unreadable_meter_value", odd)):
        sent = _last(entry.get("sampledValue"), MOST_SAMPLES, odd)
        left -= len(sent) if isinstance(sent, list) else 1
        if left < 0:
            odd.append(TOO_MANY)
            break
        sampled = _objects(sent, "unreadable_sampled_value", odd)
        if not sampled:
            odd.append("empty_sampled_value")
            continue
        charger_ts, sampled_at = time(entry.get("timestamp"), odd, required=True)
        values.append(MeterValue(tuple(_sample(fields) for fields in sampled), charger_ts, sampled_at))
    return tuple(reversed(values))


def _last(listed: Any, most: int, odd: list[str]) -> Any:
    """The end of a list that is too long."""
    if not isinstance(listed, list) or len(listed) <= most:
        return listed
    odd.append(TOO_MANY)
    return listed[-most:]


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
