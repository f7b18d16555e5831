"""OCPP-J framing of the simulator's own, so that it can judge the gateway's (OCPP-J 1.6, section 4)."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

JsonObject = dict[str, Any]
MessageId = str | int


@dataclass(frozen=True, slots=True)
class Call:
    """`[2, id, action, payload]`; a payload that is missing or null reads as `{}`."""

    message_id: MessageId
    action: str
    payload: JsonObject


@dataclass(frozen=True, slots=True)
class CallResult:
    """`[3, id, payload]`."""

    message_id: MessageId
    payload: JsonObject


@dataclass(frozen=True, slots=True)
class CallError:
    """`[4, id, code, description, details]`; the last two may be missing."""

    message_id: MessageId
    code: str
    description: str = ""
    details: JsonObject = field(default_factory=dict)


Frame = Call | CallResult | CallError


def new_message_id() -> str:
    """A message id that no other sender uses."""
    return str(uuid.uuid4())


def encode(frame: Frame) -> str:
    """The frame as compact JSON text."""
    return json.dumps(_fields(frame), ensure_ascii=False, separators=(",", ":"))


def _fields(frame: Frame) -> list[object]:
    match frame:
        case Call():
            return [2, frame.message_id, frame.action, frame.payload]
        case CallResult():
            return [3, frame.message_id, frame.payload]
        case CallError():
            return [4, frame.message_id, frame.code, frame.description, frame.details]


def decode(text: str) -> Frame | None:
    """The frame that a text holds, or None when it is none of the three kinds."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    match fields:
        case [2, str() | int() as message_id, str() as action, *rest]:
            return Call(message_id, action, _object(rest, 0))
        case [3, str() | int() as message_id, *rest]:
            return CallResult(message_id, _object(rest, 0))
        case [4, str() | int() as message_id, str() as code, *rest]:
            description = rest[0] if rest and isinstance(rest[0], str) else ""
            return CallError(message_id, code, description, _object(rest, 1))
        case _:
            return None


def _object(rest: list[Any], index: int) -> JsonObject:
    value = rest[index] if len(rest) > index else None
    return value if isinstance(value, dict) else {}
