"""Copies of payloads with something changed. The original stays as it is, and comes back itself if nothing changes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

Payload = Mapping[str, Any]

METER_LISTS: Final = ("meterValue", "transactionData")
"""Where 1.6 has meter values: in MeterValues and in StopTransaction."""

SIGNED = "signeddata"
"""The format of a signed record, in small letters. Whoever changed anything in one would break its signature."""

Change = Callable[[Payload], Payload | None]
"""A table to the table it should be: itself if it is right, None to leave it out."""


def in_small(value: Any) -> str:
    """A word in small letters, for comparison as the dialects do it; empty for what is no text."""
    return value.strip().lower() if isinstance(value, str) else ""


def without(table: Payload, keys: Collection[str]) -> Payload:
    """The table less these members."""
    return {key: value for key, value in table.items() if key not in keys} if keys else table


def each(items: list[Any], change: Change) -> list[Any]:
    """The list with every table in it changed; what is no table stays."""
    pairs = [(item, change(item) if isinstance(item, Mapping) else item) for item in items]
    if all(new is old for old, new in pairs):
        return items
    return [new for old, new in pairs if new is not None or old is None]


def in_list(table: Payload, key: str, change: Change) -> Payload:
    """The table with every table of the list under `key` changed."""
    items = table.get(key)
    if not isinstance(items, list):
        return table
    changed = each(items, change)
    return table if changed is items else {**table, key: changed}


def in_meter_values(payload: Payload, change: Change) -> Payload:
    """The payload with every meter value of 1.6 changed; 2.x names an EVSE and has readings of another shape."""
    if "evseId" in payload:
        return payload
    for key in METER_LISTS:
        payload = in_list(payload, key, change)
    return payload


def in_samples(payload: Payload, change: Change) -> Payload:
    """The payload with every sampled value of 1.6 changed, signed ones excepted."""

    def changed(sample: Payload) -> Payload | None:
        return sample if in_small(sample.get("format")) == SIGNED else change(sample)

    return in_meter_values(payload, lambda meter_value: in_list(meter_value, "sampledValue", changed))
