"""A scriptable OCPP 1.6 charger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from ssl import SSLContext

from gateway.sim.answers import AnswerBook
from gateway.sim.charger_rules import ChargerRules, SimConnector, SimTransaction
from gateway.sim.clock import timestamp, utc_now
from gateway.sim.dialer import Dialer
from gateway.sim.errors import SimError
from gateway.sim.framing import JsonObject
from gateway.sim.ledger import Ledger


class SimCharger(Dialer):
    """A charger with connectors 1 to `connectors`; connection and raw frames are those of Dialer.

    It answers every command by default; with `acts_on_commands` it also does what it was told.
    """

    def __init__(
        self,
        url_base: str,
        identity: str,
        *,
        connectors: int = 2,
        subprotocols: Sequence[str] = ("ocpp1.6",),
        password: bytes | str | None = None,
        username: str | None = None,
        vendor: str = "evgate",
        model: str = "Simulated Duo",
        serial: str | None = None,
        firmware: str = "1.0.0",
        path_segment: str | None = None,
        headers: Mapping[str, str] | None = None,
        ssl: SSLContext | None = None,
        receive_buffer_bytes: int | None = None,
        acts_on_commands: bool = False,
        clock: Callable[[], datetime] = utc_now,
        ledger: Ledger | None = None,
    ) -> None:
        super().__init__(
            url_base,
            identity,
            subprotocols=subprotocols,
            password=password,
            username=username,
            path_segment=path_segment,
            headers=headers,
            ssl=ssl,
            receive_buffer_bytes=receive_buffer_bytes,
            ledger=ledger,
        )
        self.vendor = vendor
        self.model = model
        self.serial = serial or f"SIM-{identity}"[:25]
        self.firmware = firmware
        self.clock = clock
        self.connectors = {number: SimConnector() for number in range(connectors + 1)}
        self.rules = ChargerRules(self, acts_on_commands=acts_on_commands)
        self.answers = AnswerBook(self.rules.table())
        self.interval_s = 0
        self.registration: str | None = None

    def timestamp(self) -> str:
        """The charger's clock as OCPP text."""
        return timestamp(self.clock())

    async def boot(self, **extra: object) -> JsonObject:
        """BootNotification; keeps status and interval of the answer."""
        answer = await self.call(
            "BootNotification",
            {
                "chargePointVendor": self.vendor,
                "chargePointModel": self.model,
                "chargePointSerialNumber": self.serial,
                "firmwareVersion": self.firmware,
                **extra,
            },
        )
        self.registration = answer.get("status")
        self.interval_s = answer.get("interval", 0)
        return answer

    async def heartbeat(self) -> JsonObject:
        """Heartbeat."""
        return await self.call("Heartbeat")

    async def authorize(self, id_tag: str) -> JsonObject:
        """Authorize."""
        return await self.call("Authorize", {"idTag": id_tag})

    async def status(self, connector: int, status: str, error_code: str = "NoError", **extra: object) -> JsonObject:
        """StatusNotification. `extra` adds fields or replaces them; a field given as None is left out."""
        if connector in self.connectors:
            self.connectors[connector].status = status
            self.connectors[connector].error_code = error_code
        payload = {
            "connectorId": connector,
            "errorCode": error_code,
            "status": status,
            "timestamp": self.timestamp(),
            **extra,
        }
        return await self.call(
            "StatusNotification", {key: value for key, value in payload.items() if value is not None}
        )

    async def statuses(self) -> None:
        """StatusNotification of the charger and every connector, as after an accepted boot."""
        for number, connector in self.connectors.items():
            await self.status(number, connector.status, connector.error_code)

    async def start(self, connector: int, id_tag: str) -> SimTransaction:
        """StartTransaction; returns the transaction with the id that the answer gave."""
        place = self._place(connector)
        answer = await self.call(
            "StartTransaction",
            {
                "connectorId": connector,
                "idTag": id_tag,
                "meterStart": place.meter_wh,
                "timestamp": self.timestamp(),
            },
        )
        tag_status = str(answer.get("idTagInfo", {}).get("status", "Invalid"))
        place.transaction = SimTransaction(
            connector, id_tag, place.meter_wh, answer.get("transactionId", -1), tag_status
        )
        return place.transaction

    async def meter(self, connector: int, add_wh: int = 0, **measurands: float | str) -> JsonObject:
        """MeterValues after `add_wh` more on the register; further measurands by name, dots as `__`."""
        place = self._place(connector)
        place.meter_wh += add_wh
        samples: list[JsonObject] = [
            {"value": str(place.meter_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        ]
        samples += [{"value": str(value), "measurand": name.replace("__", ".")} for name, value in measurands.items()]
        payload: JsonObject = {
            "connectorId": connector,
            "meterValue": [{"timestamp": self.timestamp(), "sampledValue": samples}],
        }
        if place.transaction is not None:
            payload["transactionId"] = place.transaction.transaction_id
        return await self.call("MeterValues", payload)

    async def stop(self, connector: int, reason: str = "Local") -> SimTransaction:
        """StopTransaction of the connector's running transaction; SimError when there is none.

        A transaction whose stop met a broken link is kept and can be stopped on the next one.
        """
        place = self._place(connector)
        transaction = place.transaction
        if transaction is None:
            raise SimError(f"no transaction is running on connector {connector}; start one first")
        transaction.meter_stop = place.meter_wh
        try:
            await self.call(
                "StopTransaction",
                {
                    "transactionId": transaction.transaction_id,
                    "idTag": transaction.id_tag,
                    "meterStop": place.meter_wh,
                    "timestamp": self.timestamp(),
                    "reason": reason,
                },
            )
        finally:
            if self.connected:
                place.transaction = None
        return transaction

    async def finish(self, connector: int, reason: str = "Local", *, pause_s: float = 0.0) -> SimTransaction:
        """StopTransaction, Finishing, Available."""
        transaction = await self.stop(connector, reason)
        await self.status(connector, "Finishing")
        await asyncio.sleep(pause_s)
        await self.status(connector, "Available")
        return transaction

    async def session(
        self,
        connector: int = 1,
        id_tag: str = "TAG-1",
        *,
        meter_values: int = 3,
        step_wh: int = 500,
        suspend: bool = False,
        pause_s: float = 0.0,
    ) -> SimTransaction:
        """A whole visit from Preparing to Available, `pause_s` in each phase."""
        await self.status(connector, "Preparing")
        await asyncio.sleep(pause_s)
        await self.authorize(id_tag)
        await self.start(connector, id_tag)
        await self.status(connector, "Charging")
        for _ in range(meter_values):
            await asyncio.sleep(pause_s)
            await self.meter(connector, step_wh)
        if suspend:
            await self.status(connector, "SuspendedEV")
            await asyncio.sleep(pause_s)
        return await self.finish(connector, pause_s=pause_s)

    def _place(self, connector: int) -> SimConnector:
        if connector not in self.connectors:
            raise SimError(f"{self.identity} has no connector {connector}, only 0 to {len(self.connectors) - 1}")
        return self.connectors[connector]
