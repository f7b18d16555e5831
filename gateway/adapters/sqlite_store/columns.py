"""Values of the core to columns, and back by the type that the core gives them.

A word is TEXT, or BLOB where TEXT cannot hold it; a time is text in UTC; whatever is nested is JSON.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_type_hints

Stored = str | bytes
Column = str | bytes | int | float | None

_LARGEST = 2**63
"""SQLite's integers have 64 bits. A peer may tell larger ones, and they are kept as text."""


def stored(text: str) -> Stored:
    """The text as SQLite can hold it. Two texts never become one value, because no TEXT equals a BLOB."""
    encoded = text.encode("utf-8", "surrogatepass")
    plain = b"\0" not in encoded and encoded.decode("utf-8", "replace") == text
    return text if plain else encoded


def loaded(value: Stored) -> str:
    """The text that was stored."""
    return value if isinstance(value, str) else value.decode("utf-8", "surrogatepass")


def time_text(at: datetime) -> str:
    """A time as it stands in every table: such texts sort as the times do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def time_from(text: str) -> datetime:
    """The time of such a text. Raises ValueError."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} has no offset")
    return at.astimezone(UTC)


def to_column(value: object) -> Column:
    """What stands in the column of this value."""
    match value:
        case None | float():
            return value
        case str():
            return stored(value)
        case int():
            return int(value) if -_LARGEST <= value < _LARGEST else str(value)
        case datetime():
            return time_text(value)
        case _:
            return stored(json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":")))


def from_column(hint: Any, value: Any) -> Any:
    """The value of this type that stands in a column. Raises ValueError if none does."""
    hint, optional = _required(hint)
    if value is None and optional:
        return None
    if hint is str and isinstance(value, Stored):
        return loaded(value)
    if hint is int and isinstance(value, str):
        return int(value)
    if hint is bool and value in (0, 1):
        return bool(value)
    if hint is datetime or hint is int or hint is float:
        return _from_plain(hint, value)
    if not isinstance(value, Stored):
        raise ValueError(f"{value!r} is no {hint}")
    return _from_plain(hint, json.loads(loaded(value)))


def _plain(value: Any) -> Any:
    """What has its default is left out: rows are short, and a default that was once given stays what it is."""
    if is_dataclass(value):
        given = ((field, getattr(value, field.name)) for field in fields(value))
        return {field.name: _plain(item) for field, item in given if item != field.default}
    return time_text(value) if isinstance(value, datetime) else value


def _from_plain(hint: Any, value: Any) -> Any:
    """From what JSON can hold. Fields that were not written take their defaults, unknown ones are passed over."""
    hint, optional = _required(hint)
    if value is None and optional:
        return None
    if isinstance(hint, type) and is_dataclass(hint) and isinstance(value, dict):
        hints = hints_of(hint)
        return hint(
            **{
                field.name: _from_plain(hints[field.name], value[field.name])
                for field in fields(hint)
                if field.name in value or _needed(field.name, value, field.default is MISSING)
            }
        )
    if hint is datetime and isinstance(value, str):
        return time_from(value)
    if hint is float and isinstance(value, int | float):
        return float(value)
    if hint in (str, int, bool) and type(value) is hint:
        return value
    raise ValueError(f"{value!r} is no {hint}")


def _needed(name: str, value: dict[str, Any], required: bool) -> bool:
    if required:
        raise ValueError(f"there is no {name} in {value}")
    return False


def _required(hint: Any) -> tuple[Any, bool]:
    """The type without its `| None`, and whether it had one."""
    if not isinstance(hint, UnionType):
        return hint, False
    (required,) = (kind for kind in get_args(hint) if kind is not NoneType)
    return required, True


@cache
def hints_of(kind: Any) -> dict[str, Any]:
    """The types of the fields of a dataclass, by name."""
    return get_type_hints(kind)
