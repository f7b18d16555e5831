"""A WebSocket client by hand, for what no library lets one send. RFC 6455; shares no code with the gateway."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from tests.fakes.doors import within

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

UPGRADE: Mapping[str, str] = {
    "Host": "gateway",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


def request(path: str = "/ocpp/CP1", headers: Mapping[str, str] = UPGRADE, *more: str, method: str = "GET") -> bytes:
    """An upgrade request; `more` are whole header lines."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), *more, "", ""]
    return "\r\n".join(lines).encode("iso-8859-1")


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, announced: int | None = None) -> bytes:
    """A masked frame; the mask is zero, so that the payload stands as it is. `announced` is a length that may lie."""
    length = len(payload) if announced is None else announced
    first = (0x80 if fin else 0) | opcode
    if length < 126:
        head = struct.pack("!BB", first, 0x80 | length)
    elif length < 65536:
        head = struct.pack("!BBH", first, 0x80 | 126, length)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, length)
    return head + bytes(4) + payload


class Wire:
    """A TCP connection to the gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @property
    def address(self) -> str:
        host, port = self.writer.get_extra_info("sockname")[:2]
        return f"{host}:{port}"

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> str:
        """Status line and headers of the answer."""
        return (await within(self.reader.readuntil(b"\r\n\r\n"))).decode()

    async def upgrade(self, *more: str, path: str = "/ocpp/CP1") -> str:
        """Ask for the upgrade; the answer's head."""
        self.send(request(path, UPGRADE, *more))
        return await self.head()

    async def frame(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame."""
        first, length = await within(self.reader.readexactly(2))
        if length == 126:
            (length,) = struct.unpack("!H", await within(self.reader.readexactly(2)))
        elif length == 127:
            (length,) = struct.unpack("!Q", await within(self.reader.readexactly(8)))
        return first & 0x0F, await within(self.reader.readexactly(length))

    async def close_frame(self) -> tuple[int, str]:
        """Code and reason of the close frame that comes next."""
        opcode, payload = await self.frame()
        assert opcode == CLOSE
        return struct.unpack("!H", payload[:2])[0], payload[2:].decode()

    async def rest(self) -> bytes:
        """Everything until the gateway hangs up."""
        try:
            return await within(self.reader.read())
        except ConnectionError:
            return b""

    def reset(self) -> None:
        """Vanish without a goodbye: TCP RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@asynccontextmanager
async def wire(port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Wire]:
    """A connection that is closed afterwards."""
    reader, writer = await within(asyncio.open_connection("127.0.0.1", port, ssl=tls))
    try:
        yield Wire(reader, writer)
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await within(writer.wait_closed())
