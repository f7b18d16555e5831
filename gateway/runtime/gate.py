"""One gate per upstream host, shared by every station that dials it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

AT_ONCE = 16
"""TLS handshakes are dear on a Pi and at the operator: a site of 200 chargers comes in waves, not at once."""

AT_ONCE_WHILE_FAILING = 1
"""A host that did not answer last time is asked by one station at a time until it answers one."""


class HostGate:
    """Lets dials through in order, fewer while the host fails. Refusing one identity is an answer, not a failure."""

    def __init__(self) -> None:
        self._dialling = 0
        self._failing = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, hold it while dialling."""
        while not self._open():
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            finally:
                if turn in self._waiting:
                    self._waiting.remove(turn)
        self._dialling += 1
        try:
            yield
        finally:
            self._dialling -= 1
            self._wake()

    @property
    def failing(self) -> bool:
        """Is the dial that holds a turn the one that finds out whether the host is back?"""
        return self._failing

    def answered(self, reachable: bool) -> None:
        """What the dial that holds a turn found out."""
        self._failing = not reachable

    def _open(self) -> bool:
        return self._dialling < (AT_ONCE_WHILE_FAILING if self._failing else AT_ONCE)

    def _wake(self) -> None:
        """Whoever waits looks again; those who find the gate full wait again, in the same order."""
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(None)
        self._waiting.clear()
