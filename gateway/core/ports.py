"""What the core is handed: one dialect per OCPP version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from gateway.core.facts import BootReported, Registration, StatusReported


@dataclass(frozen=True, slots=True)
class Reading:
    """What a dialect read in a CALL of the charger: at most one fact, and what was odd about the payload, by name."""

    fact: StatusReported | BootReported | None = None
    oddities: tuple[str, ...] = ()


class Dialect(Protocol):
    """One OCPP version: payload to facts and back. Never raises on what a peer sent."""

    @property
    def version(self) -> str:
        """The OCPP version as MQTT payloads name it, such as `1.6`."""

    def read_call(self, action: str, payload: Mapping[str, Any]) -> Reading:
        """A CALL of the charger, leniently."""

    def read_registration(self, payload: Mapping[str, Any]) -> Registration:
        """Upstream's answer to BootNotification, leniently."""

    def read_time(self, action: str, payload: Mapping[str, Any]) -> datetime | None:
        """The time (UTC) in an answer of upstream's to this action, leniently; None if it tells no plausible one."""

    def is_routine(self, action: str) -> bool:
        """Does this action come so often that its log lines are debug (an SD card wears)?"""

    def is_known(self, action: str) -> bool:
        """Is this an action of this version?"""

    def refresh(self) -> tuple[str, Mapping[str, Any]]:
        """The CALL that asks the charger for the status of all its connectors."""
