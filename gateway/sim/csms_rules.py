"""What the simulated CSMS answers to a charger, unless a script says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gateway.sim.answers import Reply, Rule
from gateway.sim.clock import timestamp
from gateway.sim.framing import Call, JsonObject

_EMPTY_ANSWERS = (
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "LogStatusNotification",
    "MeterValues",
    "SecurityEventNotification",
    "SignedFirmwareStatusNotification",
    "StatusNotification",
)


@dataclass(slots=True)
class CsmsTransaction:
    """One transaction as upstream sees it: the StartTransaction and StopTransaction payloads."""

    identity: str
    transaction_id: int
    start: JsonObject
    stop: JsonObject | None = None


class CsmsRules:
    """Default answers of one CSMS; transactions of all stations count in one series of ids."""

    def __init__(self, *, interval_s: int, first_transaction_id: int, clock: Callable[[], datetime]) -> None:
        self.interval_s = interval_s
        self.next_transaction_id = first_transaction_id
        self.transactions: dict[int, CsmsTransaction] = {}
        self._clock = clock

    def table(self, identity: str) -> dict[str, Rule]:
        """Action -> rule for one station."""
        rules: dict[str, Rule] = dict.fromkeys(_EMPTY_ANSWERS, _empty)
        rules |= {
            "Authorize": lambda _: {"idTagInfo": {"status": "Accepted"}},
            "BootNotification": self._boot,
            "DataTransfer": lambda _: {"status": "Accepted"},
            "Heartbeat": lambda _: {"currentTime": self._now()},
            "SignCertificate": lambda _: {"status": "Accepted"},
            "StartTransaction": lambda call: self._start(identity, call),
            "StopTransaction": self._stop,
        }
        return rules

    def _now(self) -> str:
        return timestamp(self._clock())

    def _boot(self, _: Call) -> Reply:
        return {"status": "Accepted", "currentTime": self._now(), "interval": self.interval_s}

    def _start(self, identity: str, call: Call) -> Reply:
        transaction_id = self.next_transaction_id
        self.next_transaction_id += 1
        self.transactions[transaction_id] = CsmsTransaction(identity, transaction_id, call.payload)
        return {"transactionId": transaction_id, "idTagInfo": {"status": "Accepted"}}

    def _stop(self, call: Call) -> Reply:
        transaction_id = call.payload.get("transactionId")
        if isinstance(transaction_id, int) and transaction_id in self.transactions:
            self.transactions[transaction_id].stop = call.payload
        return {"idTagInfo": {"status": "Accepted"}}


def _empty(_: Call) -> Reply:
    return {}
