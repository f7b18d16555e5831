"""Who stands before the door: connections without a verdict, bounded in number, and the links of those who are in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, Protocol

from gateway.adapters.websocket_link import WebsocketLink
from gateway.runtime.ports import Doors

HANDSHAKES: Final = 256
"""Unfinished handshakes at the same time: all chargers of the largest site at once, and 10 MB of memory at most."""

OPEN_TIMEOUT_S: Final = 10.0
"""For the TLS handshake, and again for the request; a charger on a poor mobile link needs 2 to 3 s."""


class Knocking(Protocol):
    """A connection whose handshake is not finished."""

    remote: str

    def turn_away(self) -> None:
        """Drop the socket; there is nothing to tell about it any more."""


class Doorstep:
    """Shared by all connections of all listeners."""

    def __init__(self, doors: Doors, open_timeout_s: float, close_timeout_s: float, handshakes: int) -> None:
        self.doors = doors
        self.open_timeout_s = open_timeout_s
        self.close_timeout_s = close_timeout_s
        self.links: set[WebsocketLink] = set()
        self.closed = False
        self._handshakes = handshakes
        self._silent: dict[Knocking, None] = {}
        self._asking: set[Knocking] = set()
        self.tasks: set[asyncio.Task[None]] = set()

    def step_up(self, connection: Knocking) -> bool:
        """A socket came in. Is there room for it?

        On a full doorstep the socket that has been silent for longest goes: whoever opens sockets and sends nothing
        must not keep out chargers, which send their request at once.
        """
        if self.closed:
            return False
        if len(self._silent) + len(self._asking) >= self._handshakes:
            oldest = next(iter(self._silent), None)
            text = f"{self._handshakes} unfinished handshakes: look for a scanner, or a broken device, on the network"
            crowding = oldest or connection
            self.doors.misfit("too_many_handshakes", crowding.remote, text)
            if oldest is None:
                return False
            self.step_down(oldest)
            oldest.turn_away()
        self._silent[connection] = None
        return True

    def asked(self, connection: Knocking) -> None:
        """The connection sent its request."""
        if connection in self._silent:
            del self._silent[connection]
            self._asking.add(connection)

    def step_down(self, connection: Knocking) -> None:
        """The connection is in, or gone."""
        self._silent.pop(connection, None)
        self._asking.discard(connection)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Work for a connection that the library has no task for."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def shut(self) -> None:
        """Let nobody step up any more, turn away who stands here."""
        self.closed = True
        for connection in [*self._silent, *self._asking]:
            self.step_down(connection)
            connection.turn_away()
