"""The `ocpp` package's charge point and central system as its users build them, keeping all they see."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Any, Self

from ocpp.exceptions import GenericError, InternalError, OCPPError
from ocpp.routing import after, on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.datatypes import IdTagInfo, KeyValue
from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from gateway.sim import RECEIVED, SENT, Ledger, basic
from tests.counts import PATIENCE_S

NOW = "2026-03-01T12:00:00Z"
OCPP16 = Subprotocol("ocpp1.6")
PASSWORD = "wallbox-7"
TRANSACTION = 7001
CROSSING = 50
"""Calls from each end at a time, where a test lets them cross."""

Closing = tuple[int | None, str | None]
Command = Callable[[Any], Awaitable[object]]
"""Sends one of the package's requests to the charger."""


@dataclass(slots=True)
class Exchange:
    """One request and its response, as one end saw them; `by` is who asked."""

    by: str
    action: str
    request: dict[str, Any]
    response: Any = None


@dataclass(slots=True)
class Wire:
    """The connection as the package wants it, with every text kept."""

    connection: Connection
    ledger: Ledger = field(default_factory=Ledger)

    async def recv(self) -> str:
        """The next text."""
        text = await self.connection.recv(decode=True)
        self.ledger.record(RECEIVED, text)
        return text

    async def send(self, text: str) -> None:
        """Write a text."""
        self.ledger.record(SENT, text)
        await self.connection.send(text)


class PackagePeer(ChargePoint):
    """Either end: message ids `<name>-1`, `<name>-2`, ... on each connection, and a record of every exchange."""

    def __init__(self, name: str, connection: Connection) -> None:
        self.name = name
        self.wire = Wire(connection)
        self.exchanges: list[Exchange] = []
        self.closing = asyncio.get_running_loop().create_future()
        super().__init__(name, self.wire, response_timeout=PATIENCE_S)
        numbers = itertools.count(1)
        self._unique_id_generator = lambda: f"{name}-{next(numbers)}"

    async def listen(self) -> None:
        """Serve until the connection is closed; then `closing` is how."""
        with suppress(ConnectionClosed):
            await self.start()
        self.closing.set_result((self.wire.connection.close_code, self.wire.connection.close_reason))

    async def ask(self, request: Any, *, valid: bool = True) -> Any:
        """Send a request; the response is an object of the package, or code, description and details of an error.

        An invalid request passes the package's own validation unseen.
        """
        exchange = Exchange(self.name, type(request).__name__, asdict(request))
        self.exchanges.append(exchange)
        try:
            answer = await self.call(request, suppress=False, skip_schema_validation=not valid)
        except OCPPError as error:
            exchange.response = (error.code, error.description, error.details)
        else:
            exchange.response = asdict(answer)
        return exchange.response

    def answer(self, action: str, request: dict[str, Any], reply: Any) -> Any:
        """Keep an exchange that the peer began; an error is raised, for the package to send."""
        self.exchanges.append(Exchange("peer", action, request, reply))
        if isinstance(reply, OCPPError):
            raise reply
        return reply


class PackageCsms(PackagePeer):
    """One charger as the central system sees it. FirmwareStatusNotification has no handler, on purpose."""

    @on("Authorize")
    def on_authorize(self, **request: Any) -> Any:
        """Accepted."""
        tag = IdTagInfo(status="Accepted", parent_id_tag="FLEET")
        return self.answer("Authorize", request, call_result.Authorize(tag))

    @on("BootNotification")
    def on_boot(self, **request: Any) -> Any:
        """Accepted."""
        return self.answer("BootNotification", request, call_result.BootNotification(NOW, 300, "Accepted"))

    @on("DataTransfer")
    def on_data_transfer(self, **request: Any) -> Any:
        """An error with details."""
        return self.answer("DataTransfer", request, GenericError("Nicht möglich", {"vendor": "acme", "code": 17}))

    @on("Heartbeat")
    def on_heartbeat(self, **request: Any) -> Any:
        """The time."""
        return self.answer("Heartbeat", request, call_result.Heartbeat(NOW))

    @on("MeterValues")
    def on_meter_values(self, **request: Any) -> Any:
        """Taken."""
        return self.answer("MeterValues", request, call_result.MeterValues())

    @on("StartTransaction")
    def on_start_transaction(self, **request: Any) -> Any:
        """Always the same transaction."""
        tag = IdTagInfo(status="Accepted", expiry_date=NOW)
        return self.answer("StartTransaction", request, call_result.StartTransaction(TRANSACTION, tag))

    @on("StatusNotification")
    def on_status(self, **request: Any) -> Any:
        """Taken."""
        return self.answer("StatusNotification", request, call_result.StatusNotification())

    @on("StopTransaction")
    def on_stop_transaction(self, **request: Any) -> Any:
        """Accepted."""
        tag = IdTagInfo(status="Accepted")
        return self.answer("StopTransaction", request, call_result.StopTransaction(tag))


class PackageCharger(PackagePeer):
    """A charger that carries out what it accepts. ClearCache has no handler, on purpose."""

    @on("ChangeConfiguration")
    def on_change_configuration(self, **request: Any) -> Any:
        """After the next boot."""
        return self.answer("ChangeConfiguration", request, call_result.ChangeConfiguration("RebootRequired"))

    @on("GetConfiguration")
    def on_get_configuration(self, **request: Any) -> Any:
        """One key known, one not."""
        known = [KeyValue(key="MaxCurrent", readonly=False, value="16,5 A")]
        return self.answer("GetConfiguration", request, call_result.GetConfiguration(known, ["Farbe/größe"]))

    @on("RemoteStartTransaction")
    def on_remote_start(self, **request: Any) -> Any:
        """Accepted."""
        return self.answer("RemoteStartTransaction", request, call_result.RemoteStartTransaction("Accepted"))

    @on("RemoteStopTransaction")
    def on_remote_stop(self, **request: Any) -> Any:
        """Accepted."""
        return self.answer("RemoteStopTransaction", request, call_result.RemoteStopTransaction("Accepted"))

    @on("Reset")
    def on_reset(self, **request: Any) -> Any:
        """Accepted; the script hangs up."""
        return self.answer("Reset", request, call_result.Reset("Accepted"))

    @on("TriggerMessage")
    def on_trigger(self, **request: Any) -> Any:
        """Accepted."""
        return self.answer("TriggerMessage", request, call_result.TriggerMessage("Accepted"))

    @on("UnlockConnector")
    def on_unlock(self, **request: Any) -> Any:
        """An error with details."""
        details = {"torque_nm": 1.5, "tries": [1, 2]}
        return self.answer("UnlockConnector", request, InternalError("The lock is stuck", details))

    def __init__(self, name: str, connection: Connection) -> None:
        super().__init__(name, connection)
        self._done: asyncio.Queue[str] = asyncio.Queue()

    async def done(self) -> str:
        """The next command that was carried out."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._done.get()

    async def report(self, connector: int, status: str, error_code: str = "NoError", **more: str) -> None:
        """StatusNotification."""
        await self.ask(call.StatusNotification(connector, error_code, status, NOW, **more))

    @after("RemoteStartTransaction")
    async def charge(self, id_tag: str, connector_id: int, **_: Any) -> None:
        """Authorize, start, and send a meter value."""
        await self.report(connector_id, "Preparing")
        await self.ask(call.Authorize(id_tag))
        started = await self.ask(call.StartTransaction(connector_id, id_tag, 1200, NOW))
        await self.report(connector_id, "Charging")
        samples = [
            {"value": "1250.5", "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": "1e1", "measurand": "Current.Import", "phase": "L1"},
        ]
        values = [{"timestamp": NOW, "sampled_value": samples}]
        await self.ask(call.MeterValues(connector_id, values, started["transaction_id"]))
        self._done.put_nowait("charge")

    @after("RemoteStopTransaction")
    async def finish(self, transaction_id: int, **_: Any) -> None:
        """Stop."""
        await self.ask(call.StopTransaction(1300, NOW, transaction_id, "Remote"))
        await self.report(1, "Finishing")
        await self.report(1, "Available")
        self._done.put_nowait("finish")

    @after("TriggerMessage")
    async def report_again(self, connector_id: int, **_: Any) -> None:
        """What was asked for."""
        await self.report(connector_id, "SuspendedEV", info="pausiert, Fahrzeug übervoll")
        self._done.put_nowait("report")


class CentralSystem:
    """`async with CentralSystem() as csms`: chargers dial `csms.url`; what they show stands in `upgrades`."""

    def __init__(self) -> None:
        self.upgrades: list[tuple[str, str | None, str | None, str | None]] = []
        """Path, subprotocols offered, subprotocol agreed and Authorization of each connection."""
        self._arrivals: asyncio.Queue[PackageCsms] = asyncio.Queue()
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await serve(self._arrive, "127.0.0.1", 0, subprotocols=[OCPP16])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """The identity is appended to it."""
        assert self._server is not None
        return f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/ocpp"

    async def arrival(self) -> PackageCsms:
        """The next charger to come in."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._arrivals.get()

    async def _arrive(self, connection: ServerConnection) -> None:
        request = connection.request
        assert request is not None
        shown = request.headers
        offered, credentials = shown.get("Sec-WebSocket-Protocol"), shown.get("Authorization")
        self.upgrades.append((request.path, offered, connection.subprotocol, credentials))
        peer = PackageCsms("csms", connection)
        self._arrivals.put_nowait(peer)
        await peer.listen()


@asynccontextmanager
async def package_charger(url: str, identity: str) -> AsyncIterator[PackageCharger]:
    """A charger that has dialled in; it hangs up at the end, unless it has done so before."""
    headers = {"Authorization": basic(identity, PASSWORD)}
    dial = connect(f"{url}/{identity}", subprotocols=[OCPP16], additional_headers=headers, proxy=None)
    async with dial as connection:
        charger = PackageCharger("charger", connection)
        listening = asyncio.create_task(charger.listen())
        yield charger
        await connection.close()
        await listening


async def day_of_work(charger: PackageCharger, command: Command) -> None:
    """Boot, one charging session that the CSMS starts and stops, and its other commands; one thing at a time."""
    boot = call.BootNotification("Duo 22", "Ladesäule GmbH", charge_point_serial_number="00012345678901234567")
    await charger.ask(boot)
    for connector in range(3):
        await charger.report(connector, "Available")
    await charger.ask(call.Heartbeat())
    await command(call.GetConfiguration(["MaxCurrent", "Farbe/größe"]))
    await command(call.ChangeConfiguration("MaxCurrent", "10"))
    await command(call.RemoteStartTransaction("04A2B3", 1))
    assert await charger.done() == "charge"
    await command(call.TriggerMessage("StatusNotification", 1))
    assert await charger.done() == "report"
    await charger.report(2, "Faulted", "OtherError", vendor_id="acme", vendor_error_code="0x2A")
    await command(call.RemoteStopTransaction(TRANSACTION))
    assert await charger.done() == "finish"
    await command(call.UnlockConnector(1))
    await command(call.ClearCache())
    await command(call.Reset("Soft"))
