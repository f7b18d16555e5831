"""What the core is handed: one dialect per OCPP version, and what is known of how chargers deviate from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from gateway.core.reports import BootReported, Registration, Report, TransactionNumbered
from gateway.core.traits import Trait


@dataclass(frozen=True, slots=True)
class Reading:
    """What a dialect read in a CALL: at most one report, and what was odd about the payload, by name."""

    fact: Report | None = None
    oddities: tuple[str, ...] = ()


class Dialect(Protocol):
    """One OCPP version: payload to reports and back. Never raises on what a peer sent."""

    @property
    def version(self) -> str:
        """The OCPP version as MQTT payloads name it, such as `1.6`."""

    def read_call(self, action: str, payload: Mapping[str, Any]) -> Reading:
        """A CALL of the charger, leniently."""

    def read_command(self, action: str, payload: Mapping[str, Any]) -> Reading:
        """A CALL of upstream, leniently."""

    def read_registration(self, payload: Mapping[str, Any]) -> Registration:
        """Upstream's answer to BootNotification, leniently."""

    def read_number(self, payload: Mapping[str, Any]) -> TransactionNumbered:
        """Upstream's answer to the beginning of a transaction, leniently."""

    def read_accepted(self, payload: Mapping[str, Any]) -> bool:
        """Did the peer accept, by the `status` of its answer?"""

    def read_time(self, action: str, payload: Mapping[str, Any]) -> datetime | None:
        """The time (UTC) in an answer of upstream's to this action, leniently; None if it tells no plausible one."""

    def is_routine(self, action: str) -> bool:
        """Does this action come so often that its log lines are debug (an SD card wears)?"""

    def is_known(self, action: str) -> bool:
        """Is this an action of this version?"""

    def refresh(self, connector_id: int) -> tuple[str, Mapping[str, Any]]:
        """The CALL that asks the charger for the status of one connector; 0 is the charger itself."""


class Corrections(Protocol):
    """The corrections that apply to one charger."""

    @property
    def quirks(self) -> tuple[str, ...]:
        """Names of the quirks that this charger has; those that every charger is read with are not among them."""

    def has(self, trait: Trait) -> bool:
        """Is the charger known for this way?"""

    def repaired(self, text: str) -> str | None:
        """A text that is no JSON, with what is known to spoil it taken away; None where nothing is known to."""

    def corrected(self, action: str, payload: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """The payload as the specification would have it, and the names of the corrections that changed it.

        The payload handed in stays as it is: it is relayed.
        """


class Quirks(Protocol):
    """Every known deviation."""

    def of(self, boot: BootReported | None, named: tuple[str, ...]) -> Corrections:
        """What applies to a charger that says this of itself, and for which the configuration names these quirks."""
