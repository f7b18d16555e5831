"""OCPP-J envelope: what kind of message a text is, and whose. The text itself is never rebuilt from what is read here.

Reading informs the gateway, it does not filter: a frame that is merely wrong is a `Frame` with a named `Flaw`, and is
still relayed byte for byte (OCPP-J 1.6 section 4; the reactions to each flaw are in `core/session.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from typing import Any

MAX_DEPTH = 64
"""Deeper nesting is no OCPP message (the deepest real ones have nine levels), and Python's parser is recursive."""

LONGEST_ID = 128
"""An id may be any string; beyond this (the specification allows 36) a digest is kept, so that tables stay small."""

LONGEST_WORD = 128
"""Actions and error codes are cut here, for the same reason: the longest action of any version has 34 characters."""

LONGEST_INTEGER = 4300
"""Python refuses to read longer integers (quadratic time); they are kept as the text of their digits."""


class Kind(Enum):
    """OCPP-J message types, and `MISFIT` for everything that is none."""

    CALL = 2
    RESULT = 3
    ERROR = 4
    RESULT_ERROR = 5
    SEND = 6
    MISFIT = 0


class Flaw(Enum):
    """What is wrong with a frame; the value is the name under which it is counted."""

    NOT_JSON = "not_json"
    NOT_ARRAY = "not_array"
    TOO_DEEP = "too_deep"
    UNKNOWN_TYPE = "unknown_message_type"
    BAD_ID = "unreadable_message_id"
    NO_ACTION = "call_without_action"
    BAD_PAYLOAD = "payload_not_object"
    HUGE_INTEGER = "huge_integer"
    NOT_A_NUMBER = "nan_or_infinity"
    CONTROL_CHARACTER = "control_character"


@dataclass(frozen=True, slots=True)
class Frame:
    """One text message and what could be read of it.

    `message_id` is the id as text, for correlation (at most 160 characters); `id_json` is the id as it must be echoed.
    """

    text: str = field(repr=False)
    kind: Kind
    message_id: str = ""
    id_json: str = field(default='"-1"', repr=False)
    action: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict, repr=False)
    error_code: str = ""
    flaw: Flaw | None = None

    @property
    def is_answer(self) -> bool:
        """Does it answer a CALL of the other side?"""
        return self.kind in (Kind.RESULT, Kind.ERROR)

    @property
    def is_unanswered(self) -> bool:
        """Is it of a type that only OCPP 2.1 has, and that nobody answers?"""
        return self.kind in (Kind.SEND, Kind.RESULT_ERROR)


_STRUCTURE = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)
"""Possessive, and a string may lack its end: a peer must not be able to make the scan take quadratic time."""


class _Digits(str):
    """An integer too long to be read."""

    __slots__ = ()


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


_STRICT = json.JSONDecoder(parse_constant=_refuse_constant)


def parse(text: str) -> Frame:
    """Read the envelope of one text message. Never raises: what cannot be read is a MISFIT with its flaw."""
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        return Frame(text, Kind.MISFIT, flaw=Flaw.TOO_DEEP)
    flaw: Flaw | None = None
    try:
        value = _STRICT.decode(text)
    except ValueError:
        value, flaw = _decode_leniently(text)
        if flaw is Flaw.NOT_JSON:
            return Frame(text, Kind.MISFIT, flaw=flaw)
    if not isinstance(value, list) or not value:
        return Frame(text, Kind.MISFIT, flaw=Flaw.NOT_ARRAY)
    return _envelope(text, value, flaw)


def _envelope(text: str, parts: list[Any], flaw: Flaw | None) -> Frame:
    number = parts[0]
    if not isinstance(number, int) or isinstance(number, bool) or not Kind.CALL.value <= number <= Kind.SEND.value:
        return Frame(text, Kind.MISFIT, flaw=Flaw.UNKNOWN_TYPE)
    kind = Kind(number)
    raw_id = parts[1] if len(parts) > 1 else None
    if not isinstance(raw_id, str | int) or isinstance(raw_id, bool):
        return Frame(text, Kind.MISFIT, flaw=Flaw.BAD_ID)
    message_id = _correlation_key(str(raw_id))
    id_json = raw_id if isinstance(raw_id, _Digits) else json.dumps(raw_id)
    if kind in (Kind.CALL, Kind.SEND):
        action = parts[2] if len(parts) > 2 else None
        if not isinstance(action, str):
            wrong = Flaw.NO_ACTION if kind is Kind.CALL else Flaw.UNKNOWN_TYPE  # a SEND is never answered
            return Frame(text, Kind.MISFIT, message_id, id_json, flaw=wrong)
        payload, flaw = _payload(parts, 3, flaw)
        return Frame(text, kind, message_id, id_json, action[:LONGEST_WORD], payload, flaw=flaw)
    if kind is Kind.RESULT:
        payload, flaw = _payload(parts, 2, flaw)
        return Frame(text, kind, message_id, id_json, payload=payload, flaw=flaw)
    code = parts[2] if len(parts) > 2 and isinstance(parts[2], str) else ""
    return Frame(text, kind, message_id, id_json, error_code=code[:LONGEST_WORD], flaw=flaw)


def _payload(parts: list[Any], index: int, flaw: Flaw | None) -> tuple[Mapping[str, Any], Flaw | None]:
    """A missing or null payload reads as `{}` (OCPP-J 1.6 4.2.1 tolerates null); anything but an object is a flaw."""
    value = parts[index] if len(parts) > index else None
    if isinstance(value, dict):
        return value, flaw
    return {}, flaw if value is None else Flaw.BAD_PAYLOAD


def _decode_leniently(text: str) -> tuple[Any, Flaw]:
    """Read again what the strict decoder refused: huge integers as text, NaN and Infinity as null, and control
    characters that stand in a string as they are."""
    flaws: list[Flaw] = []

    def integer(digits: str) -> Any:
        if len(digits.lstrip("-")) <= LONGEST_INTEGER:
            return int(digits)
        flaws.append(Flaw.HUGE_INTEGER)
        return _Digits(digits)

    def constant(_name: str) -> Any:
        flaws.append(Flaw.NOT_A_NUMBER)
        return None

    try:
        value = json.JSONDecoder(parse_int=integer, parse_constant=constant, strict=False).decode(text)
    except json.JSONDecodeError:
        return None, Flaw.NOT_JSON
    return value, flaws[0] if flaws else Flaw.CONTROL_CHARACTER


def _depth(text: str) -> int:
    """The deepest nesting of brackets outside strings."""
    depth = deepest = 0
    for found in _STRUCTURE.finditer(text):
        mark = found.group()
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
    return deepest


def _correlation_key(message_id: str) -> str:
    if len(message_id) <= LONGEST_ID:
        return message_id
    digest = sha256(message_id.encode("utf-8", "surrogatepass")).hexdigest()
    return message_id[:96] + digest


def call_text(message_id: str, action: str, payload: Mapping[str, Any]) -> str:
    """A CALL of the gateway's own."""
    return json.dumps([Kind.CALL.value, message_id, action, payload], separators=(",", ":"))


def error_text(id_json: str, code: str, description: str) -> str:
    """A CALLERROR of the gateway's own; `id_json` is echoed as it was sent. Description at most 255 characters."""
    return f"[{Kind.ERROR.value},{id_json},{json.dumps(code)},{json.dumps(description[:255])},{{}}]"
