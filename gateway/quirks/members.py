"""Corrections of single members: text and numbers, words outside their enumeration, ids and times."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Final

from gateway.quirks.shapes import Payload, in_meter_values, in_samples, in_small, without

NUMBERS: Final = frozenset({"connectorId", "transactionId", "reservationId", "meterStart", "meterStop"})
"""Members that 1.6 has as whole numbers."""

TEXTS: Final = frozenset(
    {
        "chargeBoxSerialNumber",
        "chargePointModel",
        "chargePointSerialNumber",
        "chargePointVendor",
        "firmwareVersion",
        "idTag",
        "info",
        "meterSerialNumber",
        "meterType",
        "vendorErrorCode",
        "vendorId",
    }
)
"""Members that 1.6 has as text, and that hold digits now and then."""

LONGEST_NUMBER_BITS = 256
"""More than any counter has. Python refuses to write integers of more than 4,300 digits."""

ERROR_CODES: Final = (
    "ConnectorLockFailure",
    "EVCommunicationError",
    "GroundFailure",
    "HighTemperature",
    "InternalError",
    "LocalListConflict",
    "NoError",
    "OtherError",
    "OverCurrentFailure",
    "OverVoltage",
    "PowerMeterFailure",
    "PowerSwitchFailure",
    "ReaderFailure",
    "ResetFailure",
    "UnderVoltage",
    "WeakSignal",
)
"""ChargePointErrorCode (1.6 7.6)."""

HUGE_ID: Final = 2**63 - 1
"""The largest number of 64 bits, which stands for "none" in the charger's own memory."""

LARGEST_KWH = 10**9
"""What a register in kWh may show: more than any charger ever delivers, and far from overflowing in Wh."""

_NUMBER = re.compile(r"\s*([+-]?[0-9]{1,19})(?:\.0*)?\s*")
_ZONELESS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?")
_UTC = re.compile(rf"({_ZONELESS.pattern})[Zz]")
_LETTERS = re.compile(r"[^a-z]")
_BY_LETTERS: Final = {code.lower(): code for code in ERROR_CODES}


def text_as_numbers(payload: Payload) -> Payload:
    """Digits in quotes as the number they are, where a whole number belongs."""
    found = {key: payload[key] for key in NUMBERS & payload.keys() if isinstance(payload[key], str)}
    changed = {key: int(match[1]) for key, text in found.items() if (match := _NUMBER.fullmatch(text))}
    return {**payload, **changed} if changed else payload


def numbers_as_text(payload: Payload) -> Payload:
    """Numbers as text where text belongs, values of readings among them."""
    changed = {key: _written(payload[key]) for key in TEXTS & payload.keys() if _is_number(payload[key])}
    return in_samples({**payload, **changed} if changed else payload, _value_as_text)


def empty_as_absent(payload: Payload) -> Payload:
    """Texts of nothing but blanks left out, as an absent member would be; values of readings excepted."""
    return in_samples(_less(payload, _is_blank), lambda sample: _less(sample, _is_blank, but="value"))


def null_as_absent(payload: Payload) -> Payload:
    """Texts that say "null" left out, as an absent member would be."""
    return _less(payload, lambda value: in_small(value) == "null")


def error_code_outside_enum(payload: Payload) -> Payload:
    """A foreign errorCode as OtherError, the word itself as vendorErrorCode where the charger sent none.

    One that differs from a known code in case, blanks or dashes only is that code.
    """
    code = payload.get("errorCode")
    if not isinstance(code, str) or _is_blank(code) or code in ERROR_CODES:
        return payload
    known = _BY_LETTERS.get(_LETTERS.sub("", code.lower()))
    if known is not None:
        return {**payload, "errorCode": known}
    vendor_code = payload.get("vendorErrorCode")
    return {**payload, "errorCode": "OtherError", "vendorErrorCode": vendor_code or code}


def huge_transaction_id(payload: Payload) -> Payload:
    """A transactionId of 9223372036854775807 left out: the charger knows none."""
    return without(payload, {"transactionId"}) if payload.get("transactionId") == HUGE_ID else payload


def negative_transaction_id(payload: Payload) -> Payload:
    """A transactionId below 0 left out: no CSMS gave it, the connector tells which transaction is meant."""
    number = payload.get("transactionId")
    return without(payload, {"transactionId"}) if isinstance(number, int) and number < 0 else payload


def registers_in_kwh(payload: Payload) -> Payload:
    """meterStart and meterStop in Wh, of a charger that sends kWh. The one correction that may not be applied twice."""
    found = {key: payload[key] for key in ("meterStart", "meterStop") if key in payload}
    changed = {key: round(value * 1000) for key, value in found.items() if _is_register(value)}
    return {**payload, **changed} if changed else payload


def zoneless_time(payload: Payload) -> Payload:
    """Times without a zone as UTC, which 1.6 recommends (3.14)."""
    return _in_times(payload, lambda text: f"{text}Z" if _ZONELESS.fullmatch(text) else text)


def local_time(payload: Payload, *, offset_minutes: int) -> Payload:
    """Times without a zone as local time, which is so many minutes ahead of UTC."""
    offset = _offset(offset_minutes)
    return _in_times(payload, lambda text: text + offset if _ZONELESS.fullmatch(text) else text)


def local_time_marked_utc(payload: Payload, *, offset_minutes: int) -> Payload:
    """Times that end in Z, and are local time all the same, so many minutes ahead of UTC."""
    offset = _offset(offset_minutes)
    return _in_times(payload, lambda text: match[1] + offset if (match := _UTC.fullmatch(text)) else text)


def _in_times(table: Payload, change: Callable[[str], str]) -> Payload:
    """The payload with its own time and those of its meter values changed."""

    def changed(timed: Payload) -> Payload:
        text = timed.get("timestamp")
        if not isinstance(text, str) or (new := change(text)) == text:
            return timed
        return {**timed, "timestamp": new}

    return in_meter_values(changed(table), changed)


def _offset(minutes: int) -> str:
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"


def _less(table: Payload, superfluous: Callable[[Any], bool], *, but: str = "") -> Payload:
    return without(table, {key for key, value in table.items() if key != but and superfluous(value)})


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()


def _value_as_text(sample: Payload) -> Payload:
    return {**sample, "value": _written(sample["value"])} if _is_number(sample.get("value")) else sample


def _is_number(value: Any) -> bool:
    """Is it a number that can be written down? NaN and infinities are for the reader to refuse."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return value.bit_length() <= LONGEST_NUMBER_BITS
    return isinstance(value, float) and math.isfinite(value)


def _is_register(value: Any) -> bool:
    return _is_number(value) and 0 < value <= LARGEST_KWH


def _written(value: Any) -> str:
    return str(value)
