"""WebSocket connections that can misbehave: leave pings unanswered, stop reading, vanish with a TCP reset."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping, Sequence
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from gateway.sim.errors import Refused, Unreachable

# First byte of a final, unfragmented pong (RFC 6455, 5.2).
_PONG_BYTE = 0x8A
# A peer that does not take part in the closing handshake must not hold up a test or a demo.
CLOSE_TIMEOUT_S = 2.0


class _Unruly(Connection):
    """What both ends add to the library's connection."""

    answers_pings = True
    pings_received = 0
    pongs_received = 0

    def process_event(self, event: Request | Response | Frame) -> None:
        if isinstance(event, Frame):
            if event.opcode is Opcode.PING:
                self.pings_received += 1
            elif event.opcode is Opcode.PONG:
                self.pongs_received += 1
        super().process_event(event)

    def send_data(self) -> None:
        if not self.answers_pings:
            writes = self.protocol.data_to_send()
            for data in writes:
                if not data or data[0] != _PONG_BYTE:
                    self.protocol.writes.append(data)
        super().send_data()

    def eof_received(self) -> None:
        super().eof_received()
        if self.transport.get_write_buffer_size():
            # asyncio would close it after a last write, and to abort a transport that closed so is an error.
            self.transport.abort()

    def stop_reading(self) -> None:
        """Take nothing more from the socket, so that the peer's TCP window fills."""
        self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self.transport.resume_reading()

    def reset(self) -> None:
        """Vanish: TCP RST without a close frame."""
        raw = self.transport.get_extra_info("socket")
        if raw is not None and raw.fileno() >= 0:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class ClientSocket(_Unruly, ClientConnection):
    """The charger's end."""


class ServerSocket(_Unruly, ServerConnection):
    """The CSMS's end."""


AnySocket = ClientSocket | ServerSocket


class _Dial(connect):
    """A dial that reports redirects in place of following them, as chargers do."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def dial(
    url: str,
    *,
    subprotocols: Sequence[str],
    headers: Mapping[str, str],
    timeout_s: float,
    ssl: SSLContext | None = None,
    receive_buffer_bytes: int | None = None,
) -> ClientSocket:
    """Open a client connection without proxy, compression or keepalive; Refused or Unreachable else."""
    options: dict[str, Any] = {} if ssl is None else {"ssl": ssl}
    try:
        if receive_buffer_bytes is not None:
            options["sock"] = await _small_socket(url, receive_buffer_bytes, timeout_s)
        connection = await _Dial(
            url,
            subprotocols=[Subprotocol(name) for name in subprotocols] or None,
            additional_headers=dict(headers),
            compression=None,
            proxy=None,
            open_timeout=timeout_s,
            close_timeout=CLOSE_TIMEOUT_S,
            ping_interval=None,
            max_size=None,
            create_connection=ClientSocket,
            **options,
        )
    except InvalidStatus as error:
        response = error.response
        raise Refused(response.status_code, response.headers, bytes(response.body or b"")) from error
    except (OSError, TimeoutError, InvalidHandshake) as error:
        why = str(error) or type(error).__name__
        raise Unreachable(f"no WebSocket at {url} ({why}); check the URL and that the server runs") from error
    assert isinstance(connection, ClientSocket)
    return connection


async def _small_socket(url: str, receive_buffer_bytes: int, timeout_s: float) -> socket.socket:
    """A connected socket whose TCP window fills after few bytes."""
    target = urlsplit(url)
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.get_running_loop().sock_connect(sock, (target.hostname, target.port))
    except BaseException:
        sock.close()
        raise
    return sock
