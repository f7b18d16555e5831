"""Listeners for chargers: each opened as soon as it can be, all closed together."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, cast

from websockets.asyncio.server import Server, ServerConnection, serve

from gateway.adapters.charger_server.connection import ChargerConnection
from gateway.adapters.charger_server.doorstep import HANDSHAKES, OPEN_TIMEOUT_S, Doorstep
from gateway.adapters.charger_server.upgrade import answer, select_subprotocol
from gateway.adapters.websocket_link import CLOSE_TIMEOUT_S, LIBRARY_LOG, MAX_QUEUE, WRITE_LIMIT
from gateway.runtime.ports import Doors

BACKLOG: Final = 512
"""After a restart every charger of the site dials at once; what the kernel drops comes back a second later."""

SERVICE_RESTART: Final = 1012

_ADVICE = {
    errno.EADDRINUSE: "another program listens there; find it with `ss -ltnp`, or choose another port",
    errno.EACCES: "ports below 1024 need a privilege; choose a higher one",
    errno.EADDRNOTAVAIL: "it is no address of this machine; see `ip address`, or use 0.0.0.0",
}


class ListenFailed(Exception):
    """A listener could not be opened; the message names it and ends with what to do next."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Where chargers dial in. Port 0 is any free one; `bound` is served in place of an address bound here.

    `rival`: what was passed to this very daemon on the same port, and does not serve this address.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    bound: socket.socket | None = None
    rival: str | None = None

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class ListenerState:
    """How a listener stands: its real port while it is open, else what keeps it from that."""

    listener: Listener
    port: int | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class _Open:
    server: Server
    port: int


class ChargerServer:
    """Brings chargers to the doors. `max_frame` in bytes; a longer message ends its connection with 1009."""

    def __init__(
        self,
        doors: Doors,
        listeners: Sequence[Listener],
        *,
        max_frame: int,
        open_timeout_s: float = OPEN_TIMEOUT_S,
        close_timeout_s: float = CLOSE_TIMEOUT_S,
        handshakes: int = HANDSHAKES,
    ) -> None:
        self._listeners = tuple(listeners)
        self._max_frame = max_frame
        self._doorstep = Doorstep(doors, open_timeout_s, close_timeout_s, handshakes)
        self._open: dict[int, _Open] = {}
        self._problems: dict[int, str] = {}
        """Both by the listener's position: two may be alike, with port 0."""

    @property
    def ports(self) -> tuple[int, ...]:
        """The port of each listener that is open, in their order; real ones, also where 0 was asked for."""
        return tuple(state.port for state in self.states() if state.port is not None)

    @property
    def accepting(self) -> bool:
        """Does every listener that was opened still take sockets?"""
        return all(one.server.is_serving() for one in self._open.values())

    def states(self) -> list[ListenerState]:
        """How each listener stands, in their order."""
        return [self._state(position) for position in range(len(self._listeners))]

    async def open(self) -> None:
        """Listen wherever that is possible. Raises ListenFailed where it is possible nowhere; `retry` may follow."""
        await self.retry()
        if not self._open:
            raise ListenFailed("; ".join(self._problems.values()))

    async def retry(self) -> list[ListenerState]:
        """Try what is not open; returns what has become open."""
        opened = []
        for position, listener in enumerate(self._listeners):
            if position in self._open or self._doorstep.closed:
                continue
            try:
                sock = listener.bound or self._bind(listener)
            except ListenFailed as failure:
                self._problems[position] = str(failure)
                continue
            port = int(sock.getsockname()[1])
            self._open[position] = _Open(await self._serve(listener, sock), port)
            self._problems.pop(position, None)
            opened.append(self._state(position))
        return opened

    def stop_listening(self) -> None:
        """Take no more sockets. Who dials a socket that systemd holds waits there for the next process."""
        for one in self._open.values():
            one.server.close(close_connections=False)

    async def close(self, code: int = SERVICE_RESTART, reason: str = "the gateway restarts") -> None:
        """Stop listening and end every connection, within about `close_timeout_s`; no task is left. Safe to repeat."""
        self.stop_listening()
        self._doorstep.shut()
        await asyncio.gather(*(link.close(code, reason) for link in list(self._doorstep.links)))
        try:
            async with asyncio.timeout(self._doorstep.close_timeout_s):
                while tasks := self._at_work():
                    await asyncio.wait(tasks)
        except TimeoutError:
            # Somebody behind the door does not take a last frame.
            for task in self._at_work():
                task.cancel()
            await asyncio.gather(*self._at_work(), return_exceptions=True)
        for one in self._open.values():
            await one.server.wait_closed()
        self._open.clear()

    def _at_work(self) -> set[asyncio.Task[None]]:
        return self._doorstep.tasks.union(*(one.server.handler_tasks for one in self._open.values()))

    def _state(self, position: int) -> ListenerState:
        one = self._open.get(position)
        return ListenerState(self._listeners[position], one.port if one else None, self._problems.get(position))

    def _bind(self, listener: Listener) -> socket.socket:
        family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
        # `::` means every address, as it does for systemd, unless IPv4 has a listener of its own on that port.
        alone = not any(other.port == listener.port and ":" not in other.host for other in self._listeners)
        both = listener.host == "::" and alone and socket.has_dualstack_ipv6()
        address = (listener.host, listener.port)
        try:
            return socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=both)
        except OSError as error:
            advice = _ADVICE.get(error.errno or 0, "change [chargers] listen")
            if listener.rival is not None and error.errno == errno.EADDRINUSE:
                advice = (
                    f"evgate.socket holds {listener.rival}; name the same address in [chargers] listen and in its "
                    "ListenStream= (systemctl edit evgate.socket), then: systemctl restart evgate.socket"
                )
            # The library's own text repeats the address.
            why = os.strerror(error.errno) if error.errno else str(error)
            raise ListenFailed(f"cannot listen on {listener} ({why}): {advice}") from error

    async def _serve(self, listener: Listener, sock: socket.socket) -> Server:
        # What it accepts inherits this. asyncio sets it itself only where a socket names TCP as its protocol, and
        # without it a frame that follows another one waits for the charger's acknowledgement.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = str(Listener(listener.host, sock.getsockname()[1]))
        make = partial(ChargerConnection, self._doorstep, name, listener.tls)
        try:
            return await serve(
                _enter,
                sock=sock,
                backlog=BACKLOG,
                # The library says "wrapper or subclass", its type only the latter.
                create_connection=cast("type[ServerConnection]", make),
                process_request=answer,
                select_subprotocol=select_subprotocol,
                compression=None,
                server_header=None,
                # The doorstep's own limits say who was slow; pings are timers of the station.
                open_timeout=None,
                ping_interval=None,
                close_timeout=self._doorstep.close_timeout_s,
                max_size=self._max_frame,
                max_queue=MAX_QUEUE,
                write_limit=WRITE_LIMIT,
                logger=LIBRARY_LOG,
            )
        except asyncio.CancelledError:
            # The library's listener is lost half-way, and would go on accepting.
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()
            raise


async def _enter(connection: ServerConnection) -> None:
    assert isinstance(connection, ChargerConnection)
    assert connection.admitted is not None
    await connection.enter(connection.admitted)
