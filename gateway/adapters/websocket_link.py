"""What both legs share: the library's connection, made safe against peers that never finish, and the `Link` on it.

The library bounds an ending connection only while somebody writes to it, and queues an answer to every ping. Both are
mended here, because a charger's firmware, and whoever else can reach the port, decides how it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed, ProtocolError
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import CLOSED, OPEN, Event

from gateway.runtime.ports import LinkEvents, LinkLost

CLOSE_TIMEOUT_S: Final = 2.0
"""A peer that takes no part in the closing handshake is dropped; shutdown as a whole has 5 s."""

MAX_QUEUE: Final = 4
"""Frames read ahead: enough to keep a reader busy, few enough that a full station stops its peer at once."""

WRITE_LIMIT: Final = (1, 0)
"""High and low mark in bytes: a send returns when the kernel has taken it, so that its time says how the peer reads."""

HEARD_EVERY_S: Final = 1.0
"""A peer that pings in a tight loop must not fill its station's inbox."""

FRAMES_A_TURN: Final = 16
"""Texts of one peer handled before the others have their turn."""

READ_AT_ONCE: Final = 16_384
"""Bytes. asyncio reads 256 KiB, and as many tiny frames keep everybody else waiting for a second."""

LONGEST_REASON: Final = 123
"""Bytes; a control frame holds 125, two are the code (RFC 6455, 5.5)."""

# Its debug level would show Authorization headers, its info level tells of each connection what the runtime logs
# already. What is left are faults of the program.
LIBRARY_LOG: Final = logging.getLogger("gateway.adapters.websockets")
LIBRARY_LOG.setLevel(logging.ERROR)

_SIGNS_OF_LIFE = frozenset({Opcode.PING, Opcode.PONG})

# First byte of a final, unfragmented pong (RFC 6455, 5.2).
_PONG_START = bytes([0x80 | Opcode.PONG])


class SteadyConnection(Connection):
    """A connection that tells signs of life, ends in time, and keeps one pong at most for a peer that does not read."""

    on_heard: Callable[[], None] | None = None
    _heard_at = float("-inf")
    _held_pong = b""
    _reaper: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket stands."""
        super().connection_made(transport)
        if hasattr(transport, "max_size"):
            transport.max_size = READ_AT_ONCE

    def process_event(self, event: Event) -> None:
        """Tell pings and pongs on, at most once in `HEARD_EVERY_S`."""
        super().process_event(event)
        if self.on_heard is not None and isinstance(event, Frame) and event.opcode in _SIGNS_OF_LIFE:
            now = self.loop.time()
            if now - self._heard_at >= HEARD_EVERY_S:
                self._heard_at = now
                self.on_heard()

    def send_data(self) -> None:
        """Write what is due; when that was the last of it, give the peer `close_timeout` to go."""
        if self.transport.is_closing():
            # Nobody is there to take it, and asyncio would write a line of log for each pong.
            self.protocol.data_to_send()
            return
        self._answer_last_ping()
        super().send_data()
        if self.protocol.close_expected():
            self.go_soon()

    def _answer_last_ping(self) -> None:
        """Of several pings only the latest needs an answer (RFC 6455, 5.5.3), and while the peer reads nothing none."""
        writes = self.protocol.data_to_send()
        pongs = [data for data in writes if data[:1] == _PONG_START]
        last = pongs[-1] if pongs else b""
        if self.paused and last:
            self._held_pong = last
        for data in writes:
            if data[:1] != _PONG_START or (data is last and not self.paused):
                self.protocol.writes.append(data)

    def resume_writing(self) -> None:
        """The peer reads again."""
        super().resume_writing()
        held, self._held_pong = self._held_pong, b""
        if held and self.protocol.state is OPEN:
            self.transport.write(held)

    def eof_received(self) -> None:
        """The peer writes no more. What we still write it may never read."""
        super().eof_received()
        if self.transport.get_write_buffer_size():
            # asyncio would close it after a last write, and to abort a transport that closed so is an error.
            self.transport.abort()
        self.go_soon()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        if self._reaper is not None:
            self._reaper.cancel()
        super().connection_lost(exc)

    def go_soon(self) -> None:
        """Drop the socket after `close_timeout` seconds, if it is still there."""
        if self._reaper is None and not self.connection_lost_waiter.done():
            self._reaper = self.loop.call_later(self.close_timeout or CLOSE_TIMEOUT_S, self.transport.abort)


class WebsocketLink:
    """One WebSocket, either leg; implements the ports `Link` and `UpLink`."""

    def __init__(self, connection: SteadyConnection) -> None:
        self.subprotocol: str | None = connection.subprotocol
        self._connection = connection
        self._ending = False
        self._dropped = False
        self._said: tuple[int | None, str] = (None, "the gateway stopped reading")

    async def send(self, text: str) -> None:
        """Write one text message; returns when it is in the kernel's hands. Raises LinkLost."""
        # Encoded out here: a text that is none must not end the connection.
        data = text.encode()
        try:
            await self._connection.send(data, text=True)
            if self._connection.state is CLOSED:
                # A socket that is dropped while a write waits ends the wait, too.
                raise self._connection.close_exc
        except ConnectionClosed as closed:
            raise LinkLost(*self._how(closed)) from closed

    async def ping(self) -> None:
        """Send a ping, do not wait for its pong. Raises LinkLost."""
        # The library remembers each ping until its pong; some firmware never answers one.
        self._connection.pending_pings.clear()
        try:
            _pong = await self._connection.ping()
        except ConnectionClosed as closed:
            raise LinkLost(*self._how(closed)) from closed

    async def close(self, code: int, reason: str) -> None:
        """Close handshake within the connection's `close_timeout`, then abort. Never raises."""
        self._ending = True
        self._said = (code, _shortened(reason))
        try:
            # Some codes (1005, 1006, 1015) can be told of a link, but not sent on one.
            with contextlib.suppress(ProtocolError):
                await self._connection.close(code, self._said[1])
        finally:
            self._connection.transport.abort()

    def abort(self) -> None:
        """Drop the socket at once, whatever waits in it."""
        self._ending = True
        self._dropped = True
        self._connection.transport.abort()

    async def read(self, events: LinkEvents) -> None:
        """Read until the link ends; what still waits when the gateway itself ends it is not told any more."""
        ending: tuple[int | None, str] | None = None
        self._connection.on_heard = events.heard
        taken = 0
        try:
            while True:
                message = await self._connection.recv()
                taken += 1
                if taken % FRAMES_A_TURN == 0:
                    # What is queued already is handed out without a pause, and the other stations would wait.
                    await asyncio.sleep(0)
                if self._ending:
                    continue
                if isinstance(message, str):
                    await events.text(message)
                else:
                    await self.close(CloseCode.UNSUPPORTED_DATA, "OCPP-J is text, this frame is binary")
        except ConnectionClosed as closed:
            ending = self._how(closed)
        finally:
            self._connection.on_heard = None
            self._connection.transport.abort()
            events.lost(*(ending or self._said))

    def _how(self, closed: ConnectionClosed) -> tuple[int | None, str]:
        """Close code and reason of whoever closed first; without a close frame, what happened instead."""
        frame = closed.rcvd if closed.rcvd_then_sent or closed.sent is None else closed.sent
        if frame is None:
            return None, "dropped by the gateway" if self._dropped else _without_close_frame(closed.__cause__)
        if frame.code == CloseCode.NO_STATUS_RCVD:
            return None, "closed without a code"
        return frame.code, "".join(char if char.isprintable() else "\ufffd" for char in frame.reason)


def _without_close_frame(cause: BaseException | None) -> str:
    if isinstance(cause, ConnectionResetError):
        return "connection reset by the peer"
    if isinstance(cause, OSError):
        return f"network error: {cause.strerror or cause}"
    return "the connection ended without a close frame"


def _shortened(reason: str) -> str:
    return reason.encode("utf-8", "replace")[:LONGEST_REASON].decode("utf-8", "ignore")
