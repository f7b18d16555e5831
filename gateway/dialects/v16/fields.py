"""Scalars of a payload, leniently: numbers as text, text as numbers, blanks around, empty text for an absent field."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from gateway.core.instants import UNREADABLE, instant

LONGEST_TEXT = 500
"""Longest string kept of a payload: ten times what the specification allows for `info`, which firmware exceeds."""

LARGEST_CONNECTOR = 1000
"""Connectors are numbered 1..N without gaps (1.6 3.8); a larger number is garbage and must not make a topic."""

LONGEST_NUMBER = 40
"""Characters of a number: more digits than any meter has, with sign, point and exponent."""

LARGEST_NUMBER: Final = Decimal(10**20)
"""No quantity is as large, nor any id of 64 bits."""

LARGEST_ID = 2**63 - 1
"""What chargers send for `no id`; beyond it no database holds the number."""

_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_COMMA: Final = re.compile(r"[+-]?\d*,\d+", re.ASCII)


def text(value: Any) -> str | None:
    """A string without the blanks around it, cut to a sane length; numbers as text; None for an empty one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).strip()[:LONGEST_TEXT] or None


def word(value: Any, spellings: Mapping[str, str]) -> str | None:
    """A word of the vocabulary in its own spelling; others stay as they were sent."""
    sent = text(value)
    return None if sent is None else spellings.get(sent.lower(), sent)


def number(value: Any) -> tuple[Decimal | None, str | None]:
    """A number, or None and why: `empty`, `not_a_number`, `comma_decimal`, `too_long`, `too_large`."""
    if value is None:
        return None, "empty"
    if isinstance(value, str):
        value = value.strip()
        if not value:
            return None, "empty"
        if len(value) > LONGEST_NUMBER:
            return None, "too_long"
        if not _NUMBER.fullmatch(value):
            return None, "comma_decimal" if _COMMA.fullmatch(value) else "not_a_number"
        read = Decimal(value)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        return None, "not_a_number"
    elif isinstance(value, float):
        if math.isnan(value):
            return None, "not_a_number"
        read = Decimal(repr(value))
    else:
        read = Decimal(value)
    return (read, None) if abs(read) < LARGEST_NUMBER else (None, "too_large")


def whole(value: Any) -> int | None:
    """A whole number in any spelling, also `1.0`."""
    read, _ = number(value)
    return None if read is None or read != read.to_integral_value() else int(read)


def connector(value: Any) -> int | None:
    """The number of a connector; 0 is the whole charger."""
    read = whole(value)
    return read if read is not None and 0 <= read <= LARGEST_CONNECTOR else None


def transaction(value: Any, odd: list[str]) -> int | None:
    """A transaction id as sent, whatever number it is; `unreadable_transaction` where something else stands."""
    read = whole(value)
    if read is None or abs(read) > LARGEST_ID:
        if is_told(value):
            odd.append("unreadable_transaction")
        return None
    return read


def time(value: Any, odd: list[str], *, required: bool) -> tuple[str | None, datetime | None]:
    """A time as written and its instant (UTC) or None; odd are `missing_time` and what `instant` finds."""
    written = text(value)
    if written is None:
        if is_told(value):
            odd.append(UNREADABLE)
        elif required:
            odd.append("missing_time")
        return None, None
    read, why = instant(written)
    if why is not None:
        odd.append(why)
    return written, read


def is_told(value: Any) -> bool:
    """Does anything stand there? An empty text stands for an absent field."""
    return value is not None and not (isinstance(value, str) and not value.strip())
