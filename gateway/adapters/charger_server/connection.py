"""One socket of a charger, from accept to its end: what is not HTTP is told from what is, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, Final, cast

from websockets.asyncio.server import Server, ServerConnection
from websockets.exceptions import HeaderLineTooLong, RequestLineTooLong, TooManyHeaders
from websockets.http11 import Request
from websockets.protocol import CONNECTING, Event
from websockets.server import ServerProtocol

from gateway.adapters.charger_server.doorstep import Doorstep
from gateway.adapters.charger_server.misfits import FULL_HOUSE, first_bytes, spell_address, tls_failure
from gateway.adapters.websocket_link import SteadyConnection, WebsocketLink
from gateway.runtime.ports import Admitted

MAX_REQUEST_BYTES: Final = 32_768
"""A charger's request has less than 1 KB; the library alone would keep 1 MB of each unfinished one."""

_TLS_HANDSHAKE_RECORD = 0x16
_TOO_LONG = (RequestLineTooLong, HeaderLineTooLong, TooManyHeaders)
_LONG_REQUEST = "sent an HTTP request with too long a line or too many headers: no charger does that, look what it is"


class ChargerConnection(SteadyConnection, ServerConnection):
    """A connection on one listener. `tls` is None on a plain one."""

    def __init__(
        self,
        doorstep: Doorstep,
        listener: str,
        tls: ssl.SSLContext | None,
        protocol: ServerProtocol,
        server: Server,
        **options: Any,
    ) -> None:
        super().__init__(protocol, server, **options)
        self.doorstep = doorstep
        self.listener = listener
        self.tls = tls
        self.remote = ""
        self.admitted: Admitted | None = None
        self._entered = False
        self._begun = False
        self._told = False
        self._head = b""
        self._received = 0
        self._early: list[Callable[[], None]] = []
        self._patience: asyncio.TimerHandle | None = None
        self._socket: asyncio.Transport

    @property
    def scheme(self) -> str:
        """As chargers write it in their URL."""
        return "ws" if self.tls is None else "wss"

    # The socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accepted by the kernel."""
        self._socket = cast("asyncio.Transport", transport)
        self.remote = spell_address(transport.get_extra_info("peername"))
        if not self.doorstep.step_up(self):
            self._told = True
            if self.tls is None:
                self._socket.write(FULL_HOUSE)
            self._socket.close()
        elif self.tls is None:
            self._begin(self._socket)
        else:
            # What the peer sends belongs to the TLS handshake, which takes a turn of the loop to begin.
            self._socket.pause_reading()
            self.doorstep.spawn(self._secure(self.tls))

    async def _secure(self, tls: ssl.SSLContext) -> None:
        """TLS on our own: the library's listener drops what fails in it without a word."""
        try:
            transport = await self.loop.start_tls(
                self._socket,
                self,
                tls,
                server_side=True,
                ssl_handshake_timeout=self.doorstep.open_timeout_s,
                ssl_shutdown_timeout=self.doorstep.close_timeout_s,
            )
        except OSError as error:
            self.tell(*tls_failure(error))
            self.doorstep.step_down(self)
            return
        if transport is None or transport.is_closing():
            self.tell("cut_short", "hung up right after the TLS handshake: look what it is")
            self._socket.abort()
            return
        self._begin(transport)

    def _begin(self, transport: asyncio.Transport) -> None:
        """HTTP may come."""
        self._begun = True
        self._patience = self.loop.call_later(self.doorstep.open_timeout_s, self._lose_patience)
        super().connection_made(transport)
        for call in self._early:
            call()

    def data_received(self, data: bytes) -> None:
        """Bytes came in."""
        if not self._begun:
            # The end of a TLS handshake and the request may come in one segment.
            self._early.append(lambda: self.data_received(data))
            return
        if self.request is None and not self._worth_parsing(data):
            return
        super().data_received(data)
        if self.request is None and self.protocol.handshake_exc is not None:
            if isinstance(self.protocol.handshake_exc, _TOO_LONG):
                self.tell("oversized_request", _LONG_REQUEST)
            else:
                self.tell("garbage", f"sent no HTTP request, but {first_bytes(self._head)}: look what it is")

    def _worth_parsing(self, data: bytes) -> bool:
        self._received += len(data)
        self._head = (self._head + data[:16])[:16]
        if self.tls is None and self._head[0] == _TLS_HANDSHAKE_RECORD:
            text = f"speaks TLS on the plain port {self.listener}: set ws:// in place of wss:// in the charger"
            self.tell("tls_on_plain_port", f"{text}, or its TLS port")
        elif self._received > MAX_REQUEST_BYTES:
            self.tell("oversized_request", _LONG_REQUEST)
        else:
            return True
        self.transport.abort()
        return False

    def process_event(self, event: Event) -> None:
        """The request, or a frame."""
        if isinstance(event, Request):
            self._stop_waiting()
            self.doorstep.asked(self)
        super().process_event(event)

    def eof_received(self) -> None:
        """The peer writes no more."""
        if self._begun:
            super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        self.doorstep.step_down(self)
        self._stop_waiting()
        if not self._begun:
            return
        if self.request is None and not self._received:
            self.tell("empty_probe", "hung up without a byte: a port scanner, or monitoring that should ask elsewhere")
        elif self.request is None:
            self.tell("cut_short", "hung up in the middle of its HTTP request: look for a firewall in between")
        super().connection_lost(exc)
        if self.admitted is not None and not self._entered:
            # The library ends here without a word, yet who was admitted waits to be attached and lost.
            self.doorstep.spawn(self.enter(self.admitted))

    # Before the verdict

    @property
    def is_gone(self) -> bool:
        """Is it too late to answer?"""
        return self.state is not CONNECTING or self.protocol.eof_sent or self.transport.is_closing()

    def tell(self, what: str, text: str) -> None:
        """Tell once that this is no charger's upgrade."""
        if not self._told:
            self._told = True
            self.doorstep.doors.misfit(what, self.remote, text)

    def turn_away(self) -> None:
        """Drop the socket; there is nothing to tell about it any more."""
        self._told = True
        self._socket.abort()

    def _lose_patience(self) -> None:
        limit = f"{self.doorstep.open_timeout_s:g} s"
        if self._received:
            self.tell("slow_request", f"did not finish its HTTP request within {limit}: check the link to it")
        else:
            self.tell("silent", f"connected and sent nothing for {limit}: look what it is")
        self.transport.abort()

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()

    # After the verdict

    async def enter(self, admitted: Admitted) -> None:
        """Attach the link and read it to its end."""
        self._entered = True
        self.doorstep.step_down(self)
        link = WebsocketLink(self)
        self.doorstep.links.add(link)
        try:
            await link.read(await admitted.attach(link))
        finally:
            self.doorstep.links.discard(link)
            link.abort()
