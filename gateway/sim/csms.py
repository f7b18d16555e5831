"""A scriptable OCPP 1.6 CSMS: a WebSocket server whose stations can each be scripted."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from gateway.sim.clock import utc_now
from gateway.sim.csms_rules import CsmsRules, CsmsTransaction
from gateway.sim.framing import JsonObject, MessageId
from gateway.sim.ledger import Direction, Ledger
from gateway.sim.link import CALL_TIMEOUT_S
from gateway.sim.sockets import CLOSE_TIMEOUT_S, ServerSocket
from gateway.sim.station import AUTO, SimStation, Upgrade, Verdict


class SimCsms:
    """Serves `ws://host:port/<any prefix>/<identity>`; port 0 picks a free one and keeps it over restarts."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        subprotocols: Sequence[str] = ("ocpp1.6",),
        interval_s: int = 300,
        first_transaction_id: int = 1,
        keep_frames: bool = True,
        receive_buffer_bytes: int | None = None,
        ssl: SSLContext | None = None,
        clock: Callable[[], datetime] = utc_now,
        observer: Callable[[str, Direction, str], None] | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.subprotocols = subprotocols
        self.default_verdict = Verdict()
        self.stations: dict[str, SimStation] = {}
        self.rules = CsmsRules(interval_s=interval_s, first_transaction_id=first_transaction_id, clock=clock)
        self._keep_frames = keep_frames
        self._receive_buffer_bytes = receive_buffer_bytes
        self._ssl = ssl
        self._observer = observer
        self._server: Server | None = None
        self._stopping = asyncio.Event()
        self._verdicts: dict[ServerConnection, tuple[SimStation, Verdict]] = {}

    # --- life -----------------------------------------------------------------------------------

    async def start(self) -> Self:
        """Listen. After `stop` it listens on the same port again, with all scripts and records kept."""
        self._stopping = asyncio.Event()
        self._server = await serve(
            self._serve,
            sock=self._bind(),
            ssl=self._ssl,
            process_request=self._judge,
            select_subprotocol=self._select,
            compression=None,
            open_timeout=None,
            close_timeout=CLOSE_TIMEOUT_S,
            ping_interval=None,
            max_size=None,
            create_connection=ServerSocket,
        )
        return self

    async def stop(self, *, abort: bool = False) -> None:
        """Stop listening and end all connections: with close code 1001, or with TCP resets."""
        if self._server is None:
            return
        server, self._server = self._server, None
        self._stopping.set()
        for station in self.stations.values():
            for link in station.links:
                if abort and link.open:
                    link.abort()
                elif link.open:
                    link.resume_reading()
        server.close()
        await server.wait_closed()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Base URL to configure as upstream; the identity is appended to it."""
        return f"{'wss' if self._ssl else 'ws'}://{self.host}:{self.port}/ocpp"

    def _bind(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited by what it accepts
            if self._receive_buffer_bytes is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer_bytes)
            sock.bind((self.host, self.port))
        except OSError:
            sock.close()
            raise
        self.port = sock.getsockname()[1]
        return sock

    # --- stations -------------------------------------------------------------------------------

    def station(self, identity: str) -> SimStation:
        """Script and records of an identity, made when it is new."""
        if identity not in self.stations:
            self.stations[identity] = SimStation(
                identity, rules=self.rules.table(identity), keep_frames=self._keep_frames
            )
            if self._observer is not None:
                observer = self._observer
                self.stations[identity].ledger.observer = lambda way, text: observer(identity, way, text)
        return self.stations[identity]

    def ledger(self, identity: str) -> Ledger:
        """Every text frame of an identity, over all its connections."""
        return self.station(identity).ledger

    @property
    def transactions(self) -> dict[int, CsmsTransaction]:
        """Every transaction that upstream knows, by id."""
        return self.rules.transactions

    async def call(
        self,
        identity: str,
        action: str,
        payload: JsonObject | None = None,
        message_id: MessageId | None = None,
        timeout_s: float = CALL_TIMEOUT_S,
    ) -> JsonObject:
        """Send a command to a station; see SimStation.call."""
        return await self.station(identity).call(action, payload, message_id, timeout_s)

    async def send_raw(self, identity: str, text: str) -> None:
        """Send a text frame to a station exactly as it is."""
        await self.station(identity).send_raw(text)

    async def wait_connected(self, identity: str, count: int = 1, timeout_s: float = 10.0) -> SimStation:
        """Wait until the station's `count`-th connection was accepted and the newest one is open."""
        station = self.station(identity)
        await station.wait_connected(count, timeout_s)
        return station

    # --- upgrade --------------------------------------------------------------------------------

    async def _judge(self, connection: ServerConnection, request: Request) -> Response | None:
        station = self.station(_identity_of(request.path))
        authorization = request.headers.get("Authorization")
        offered = ",".join(request.headers.get_all("Sec-WebSocket-Protocol"))
        upgrade = Upgrade(
            path=request.path,
            subprotocols=tuple(name.strip() for name in offered.split(",") if name.strip()),
            authorization=authorization,
            headers=request.headers,
        )
        index = station.note_upgrade(upgrade)
        await self._wait_released(station, connection)
        verdict = station.verdict or self.default_verdict
        if self._stopping.is_set():
            verdict = Verdict(status=503)
        elif station.expected_authorization not in (None, authorization):
            verdict = Verdict(status=401, headers={"WWW-Authenticate": 'Basic realm="sim"'})
        station.upgrades[index] = replace(upgrade, status=verdict.status)
        if verdict.status == HTTPStatus.SWITCHING_PROTOCOLS:
            self._verdicts[connection] = station, verdict
            return None
        return _refusal(connection, verdict)

    async def _wait_released(self, station: SimStation, connection: ServerConnection) -> None:
        if station.upgrading.is_set():
            return
        events = (station.upgrading, self._stopping)
        tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(event.wait()) for event in events]
        await asyncio.wait([*tasks, connection.connection_lost_waiter], return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()

    def _select(self, connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        _, verdict = self._verdicts[connection]
        if verdict.subprotocol is None:
            return None
        if verdict.subprotocol != AUTO:
            return Subprotocol(verdict.subprotocol)
        return next((name for name in offered if name in self.subprotocols), None)

    async def _serve(self, connection: ServerConnection) -> None:
        assert isinstance(connection, ServerSocket)
        station, verdict = self._verdicts.pop(connection)
        link = station.open_link(connection)
        if verdict.close_code is not None:
            await link.close(verdict.close_code)
        await link.run()


def _identity_of(path: str) -> str:
    """The last segment that is not empty, percent-decoded."""
    segments = [segment for segment in urlsplit(path).path.split("/") if segment]
    return unquote(segments[-1]) if segments else ""


def _refusal(connection: ServerConnection, verdict: Verdict) -> Response:
    response = connection.respond(HTTPStatus(verdict.status), verdict.body)
    headers: Mapping[str, str] = verdict.headers
    for name, value in headers.items():
        response.headers[name] = value
    return response
