"""A broker that does what a test tells it to: too old, too strict, silent, stalled or broken."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.counts import PATIENCE_S

CONNECT, PUBLISH, PUBACK, PINGREQ, DISCONNECT = 1, 3, 4, 12, 14

# CONNACKs: flags, code and, in MQTT 5, properties.
YES_311 = b"\x20\x02\x00\x00"
YES_5 = b"\x20\x03\x00\x00\x00"
TOO_NEW_311 = b"\x20\x02\x00\x01"
TOO_NEW_5 = b"\x20\x03\x00\x84\x00"


@dataclass(frozen=True)
class Packet:
    """One MQTT packet: its type, the flags beside it, and the rest."""

    kind: int
    flags: int
    body: bytes

    @property
    def topic(self) -> str:
        """Of a PUBLISH."""
        (length,) = struct.unpack_from("!H", self.body)
        return self.body[2 : 2 + length].decode()

    @property
    def packet_id(self) -> bytes:
        """Of a PUBLISH with QoS 1."""
        (length,) = struct.unpack_from("!H", self.body)
        return self.body[2 + length : 4 + length]


class Visit:
    """One connection of a client, after its CONNECT."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connect: Packet) -> None:
        self.connect = connect
        self._reader = reader
        self._writer = writer

    @property
    def level(self) -> int:
        """Protocol level of the CONNECT: 5, or 4 for 3.1.1."""
        return self.connect.body[6]

    def say_yes(self) -> None:
        """CONNACK without any limits."""
        self.send(YES_5 if self.level == 5 else YES_311)

    def send(self, data: bytes) -> None:
        """Write bytes, well-formed or not."""
        self._writer.write(data)

    def acknowledge(self, *packets: Packet, code: int = 0) -> None:
        """PUBACK, all in one write."""
        if self.level == 5:
            self.send(b"".join(b"\x40\x04" + packet.packet_id + bytes((code, 0)) for packet in packets))
        else:
            self.send(b"".join(b"\x40\x02" + packet.packet_id for packet in packets))

    async def packet(self) -> Packet:
        """The next packet that is no ping; pings are answered. Raises IncompleteReadError at the end."""
        while True:
            packet = await read_packet(self._reader)
            if packet.kind != PINGREQ:
                return packet
            self.send(b"\xd0\x00")

    async def packets(self, count: int) -> list[Packet]:
        """The next so many."""
        return [await self.packet() for _ in range(count)]

    async def serve(self) -> list[Packet]:
        """Acknowledge everything until the client goes; returns what it sent."""
        taken = []
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                packet = await self.packet()
                taken.append(packet)
                if packet.kind == PUBLISH and packet.flags & 6:
                    self.acknowledge(packet)
        return taken

    async def gone(self) -> None:
        """Read and forget until the client hangs up."""
        with contextlib.suppress(ConnectionError):
            while await self._reader.read(65_536):
                pass


class ScriptedBroker:
    """`async with ScriptedBroker(play) as broker`: `play(visit)` runs for each connection, which ends with it.

    A `deaf` one takes connections and reads nothing.
    """

    def __init__(
        self, play: Callable[[Visit], Awaitable[None]], tls: ssl.SSLContext | None = None, *, deaf: bool = False
    ) -> None:
        self._deaf = deaf
        self.port = 0
        self.levels: list[int] = []
        """Protocol level of each CONNECT."""
        self._visited = asyncio.Condition()
        self._play = play
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._visits: set[asyncio.Task[None]] = set()
        self._failures: list[BaseException] = []

    async def visited(self, times: int) -> None:
        """Wait for so many CONNECTs."""
        async with asyncio.timeout(PATIENCE_S), self._visited:
            await self._visited.wait_for(lambda: len(self.levels) >= times)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._receive, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for visit in self._visits:
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        for failure in self._failures:
            raise failure

    def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        task = asyncio.create_task(self._follow(reader, writer))
        self._visits.add(task)
        task.add_done_callback(self._visits.discard)

    async def _follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._deaf:
                await asyncio.Event().wait()
            visit = Visit(reader, writer, await read_packet(reader))
            async with self._visited:
                self.levels.append(visit.level)
                self._visited.notify_all()
            await self._play(visit)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client left first
        except AssertionError as failure:
            self._failures.append(failure)
        finally:
            writer.close()


async def read_packet(reader: asyncio.StreamReader) -> Packet:
    """One packet from the wire (MQTT 5, 2.1)."""
    async with asyncio.timeout(PATIENCE_S):
        (first,) = await reader.readexactly(1)
        length = shift = 0
        while True:
            (byte,) = await reader.readexactly(1)
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return Packet(first >> 4, first & 15, await reader.readexactly(length))
