"""Chargers whose connectors are used all the time, as fast as they are answered, and what each of them said."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from gateway.sim import Disconnected, Refused, SimCharger, SimCsms, SimStation, Unreachable
from gateway.sim.clock import utc_now
from gateway.sim.framing import Call, JsonObject, decode

ERRORS = (("OtherError", "PP01"), ("GroundFailure", None), ("HighTemperature", "E-17"), ("NoError", None))
"""What goes with Faulted; with NoError the charger does not say what is wrong."""

WARNINGS = (("WeakSignal", None), ("OtherError", "fan"))
"""What goes with another status."""


class Timestamps:
    """The clock of a charger, which never says the same twice: a time names one message."""

    def __init__(self) -> None:
        self._last: datetime | None = None

    def __call__(self) -> str:
        """The next one, as OCPP text with milliseconds."""
        now = utc_now()
        self._last = now if self._last is None else max(now, self._last + timedelta(milliseconds=1))
        return f"{self._last:%Y-%m-%dT%H:%M:%S}.{self._last.microsecond // 1000:03}Z"


@dataclass(slots=True)
class Use:
    """One transaction: its requests as sent, and the id that the charger was answered."""

    start: JsonObject
    transaction_id: int | None = None
    stop: JsonObject | None = None


@dataclass(slots=True)
class BusyConnector:
    """One visit after another. `reports` are its statuses and `uses` its transactions, in the order first sent.

    A request that was not answered is repeated on the next connection as it was, and nothing overtakes it.
    """

    number: int
    dice: random.Random
    now: Callable[[], str]
    meter_wh: int = 100_000
    reports: list[JsonObject] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    _script: Iterator[tuple[str, JsonObject]] = field(init=False)
    _pending: tuple[str, JsonObject] | None = None
    _free: bool = True
    """Nobody is here: a visit is over, and the next did not begin."""

    def __post_init__(self) -> None:
        self._script = self._visits()

    async def go_on(self, call: Callable[[str, JsonObject], Awaitable[JsonObject]], *, until_free: bool) -> None:
        """Go on from where the last connection broke, until this one does; `until_free`: or the visit is over."""
        if self.reports and self._pending is None and self.dice.random() < 0.5:
            last = self.reports[-1]
            await call("StatusNotification", self._said({**last, "timestamp": self.now()}))
        while not (until_free and self._free and self._pending is None):
            action, payload = self._pending = self._pending or next(self._script)
            answer = await call(action, payload)
            self._pending = None
            if action == "StartTransaction":
                self.uses[-1].transaction_id = answer["transactionId"]

    def _visits(self) -> Iterator[tuple[str, JsonObject]]:
        while True:
            self._free = False
            yield from self._visit()
            last = self._status("Available")
            self._free = True
            yield last

    def _visit(self) -> Iterator[tuple[str, JsonObject]]:
        yield self._status("Preparing", *self._warning(0.1))
        if self.dice.random() < 0.1:
            return
        use = Use(
            {
                "connectorId": self.number,
                "idTag": f"TAG-{self.dice.randrange(10_000):04}",
                "meterStart": self.meter_wh,
                "timestamp": self.now(),
            }
        )
        self.uses.append(use)
        yield "StartTransaction", use.start
        yield self._status("Charging")
        for _ in range(self.dice.randrange(1, 5)):
            yield self._meter_values(use)
            yield from self._incident()
        reason = self.dice.choice(("Local", "EVDisconnected", "Remote"))
        use.stop = {
            "transactionId": use.transaction_id,
            "meterStop": self.meter_wh,
            "timestamp": self.now(),
            "reason": reason,
        }
        yield "StopTransaction", use.stop
        yield self._status("Finishing")
        if self.dice.random() < 0.3:
            yield self._status("Preparing")

    def _incident(self) -> Iterator[tuple[str, JsonObject]]:
        match self.dice.randrange(6):
            case 0:
                yield self._status(self.dice.choice(("SuspendedEV", "SuspendedEVSE")))
                yield self._status("Charging")
            case 1:
                error, vendor_error = self.dice.choice(ERRORS)
                yield self._status("Faulted", error, vendor_error, self.dice.choice((None, "see the log")))
                yield self._status("Charging")
            case 2:
                yield self._status("Charging", *self._warning(1.0))
                yield self._status("Charging")

    def _warning(self, chance: float) -> tuple[str, str | None]:
        return self.dice.choice(WARNINGS) if self.dice.random() < chance else ("NoError", None)

    def _status(
        self, status: str, error: str = "NoError", vendor_error: str | None = None, info: str | None = None
    ) -> tuple[str, JsonObject]:
        payload: JsonObject = {"connectorId": self.number, "status": status, "errorCode": error}
        if vendor_error is not None:
            payload |= {"vendorId": "com.example", "vendorErrorCode": vendor_error}
        if info is not None:
            payload["info"] = info
        return "StatusNotification", self._said({**payload, "timestamp": self.now()})

    def _said(self, payload: JsonObject) -> JsonObject:
        self.reports.append(payload)
        return payload

    def _meter_values(self, use: Use) -> tuple[str, JsonObject]:
        self.meter_wh += self.dice.randrange(1, 40)
        samples = [
            {"value": str(self.meter_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": str(self.dice.randrange(22_000)), "measurand": "Power.Active.Import", "unit": "W"},
        ]
        return "MeterValues", {
            "connectorId": self.number,
            "transactionId": use.transaction_id,
            "meterValue": [{"timestamp": self.now(), "sampledValue": samples}],
        }


class BusyCharger:
    """Dials when it is told where, and goes on until the connection breaks.

    `pause_s` is how long a connector waits on average before it speaks.
    """

    def __init__(self, identity: str, dice: random.Random, connectors: int = 2) -> None:
        self.identity = identity
        self.pause_s = 0.0
        self.charger = SimCharger("ws://127.0.0.1:1/ocpp", identity, connectors=connectors)
        now = Timestamps()
        self.whole = BusyConnector(0, dice, now)
        self.connectors = [BusyConnector(number, dice, now) for number in range(1, connectors + 1)]
        self._dice = dice
        self._now = now

    async def live(self, url: str, *, until_free: bool = False) -> bool:
        """One connection to the gateway at `url`. True: every visit came to its end; False: the connection broke."""
        self.charger.url = f"{url}/{self.identity}"
        try:
            await self.charger.connect()
            if self.charger.registration is None or self._dice.random() < 0.3:
                await self.charger.boot()
            report = {"connectorId": 0, "status": "Available", "errorCode": "NoError", "timestamp": self._now()}
            self.whole.reports.append(report)
            await self.charger.call("StatusNotification", report)
        except (Disconnected, Refused, Unreachable):
            return False
        work = (connector.go_on(self._call, until_free=until_free) for connector in self.connectors)
        ends = await asyncio.gather(*work, return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException) and not isinstance(end, Disconnected):
                raise end
        return not any(ends)

    @property
    def use_count(self) -> int:
        """Transactions that were begun."""
        return sum(len(connector.uses) for connector in self.connectors)

    async def _call(self, action: str, payload: JsonObject) -> JsonObject:
        if self.pause_s:
            with suppress(TimeoutError):
                await self.charger.wait_closed(self._dice.uniform(0, 2 * self.pause_s))
        return await self.charger.call(action, payload)


@dataclass(slots=True)
class Upstream:
    """The CSMS as one charger's requests see it. It gives a request that is repeated the id that it gave before."""

    station: SimStation
    ids: dict[str, int]
    reached: set[tuple[str, int, str]] = field(default_factory=set)
    """Action, connector (of StopTransaction: transaction) and timestamp of each request that came in."""
    _read: int = 0

    def catch_up(self) -> None:
        """Bring `reached` up to what has come in."""
        received = self.station.ledger.received
        for text in received[self._read :]:
            match decode(text):
                case Call(_, "StatusNotification" | "StartTransaction" as action, payload):
                    self.reached.add((action, payload["connectorId"], payload["timestamp"]))
                case Call(_, "StopTransaction" as action, payload):
                    self.reached.add((action, payload["transactionId"], payload["timestamp"]))
        self._read = len(received)

    def has(self, action: str, payload: JsonObject) -> bool:
        """Has this request come in?"""
        about = payload["transactionId" if action == "StopTransaction" else "connectorId"]
        return (action, about, payload["timestamp"]) in self.reached

    def topics(self, slug: str) -> set[str]:
        """What the gateway must know to tell, after these requests."""
        kinds = {"StatusNotification": "state", "StartTransaction": "session"}
        return {
            f"charger/{slug}/connector/{about}/{kinds[action]}"
            for action, about, _ in self.reached
            if action in kinds and about > 0
        }


def upstreams(csms: SimCsms, identities: list[str]) -> dict[str, Upstream]:
    """Of these chargers, by identity."""
    ids: dict[str, int] = {}

    def start(identity: str, call: Call) -> Any:
        request = f"{identity} {json.dumps(call.payload, sort_keys=True)}"
        return {"transactionId": ids.setdefault(request, len(ids) + 1), "idTagInfo": {"status": "Accepted"}}

    for identity in identities:
        csms.station(identity).answer("StartTransaction", partial(start, identity))
    return {identity: Upstream(csms.station(identity), ids) for identity in identities}
