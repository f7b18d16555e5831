"""One MQTT publication, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """A publication below the base topic. `payload` is UTF-8 JSON or a bare word.

    One that is not retained is an event: each is sent, in order. `late` is what is sent instead when it had to wait.
    """

    topic: str
    payload: str
    qos: int = 1
    retain: bool = True
    late: str | None = None
