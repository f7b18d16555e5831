"""A control socket with a fake desk behind it, and clients that speak to it byte by byte."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.adapters.control_socket import ControlSocket
from tests.counts import PATIENCE_S
from tests.fakes.desk import FakeDesk


@dataclass
class Client:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, octets: bytes) -> None:
        """Write, whatever becomes of it."""
        self.writer.write(octets)

    async def answer(self) -> Any:
        """The next line, decoded."""
        async with asyncio.timeout(PATIENCE_S):
            return json.loads(await self.reader.readuntil(b"\n"))

    async def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        received = b""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while octets := await self.reader.read(65_536):
                    received += octets
        except ConnectionResetError:
            # The server hung up before it had read everything.
            pass
        return received


@asynccontextmanager
async def client(path: Path) -> AsyncIterator[Client]:
    """Connect; hang up at the end."""
    connected = Client(*await asyncio.open_unix_connection(str(path)))
    try:
        yield connected
    finally:
        connected.writer.transport.abort()


async def said(path: Path, octets: bytes) -> list[Any]:
    """Send these bytes; all answers."""
    async with client(path) as one:
        one.send(octets)
        return [json.loads(line) for line in (await one.rest()).splitlines()]


@dataclass
class ControlHouse:
    """A control socket at `path`."""

    path: Path
    desk: FakeDesk
    control: ControlSocket


@asynccontextmanager
async def control_house(desk: FakeDesk | None = None, **limits: float) -> AsyncIterator[ControlHouse]:
    """Open one in a folder of its own; pytest's folders may be too deep for a socket's path."""
    desk = desk or FakeDesk()
    with tempfile.TemporaryDirectory(prefix="evgate-") as folder:
        path = Path(folder, "control.sock")
        control = ControlSocket(path, desk, **limits)
        await control.open()
        try:
            yield ControlHouse(path, desk, control)
        finally:
            await control.close()
