"""Listeners on IPv6. Not collected where the machine has none."""

from __future__ import annotations

import asyncio
import socket

from gateway.adapters.charger_server import ChargerServer, Listener
from tests.adapters.charger_house import MAX_FRAME
from tests.adapters.wire import request
from tests.fakes.doors import FakeDoors, within


async def knock(host: str, port: int) -> str:
    """Ask for the upgrade; the address it is asked from."""
    reader, writer = await within(asyncio.open_connection(host, port))
    writer.write(request())
    assert (await within(reader.readline())).startswith(b"HTTP/1.1 101 ")
    name = writer.get_extra_info("sockname")
    writer.transport.abort()
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"


async def test_an_address_has_brackets() -> None:
    doors = FakeDoors()
    server = ChargerServer(doors, [Listener("::1", 0)], max_frame=MAX_FRAME)
    await server.open()
    address = await knock("::1", server.ports[0])
    arrival = await within(doors.arrivals.get())
    assert arrival.remote == address
    assert arrival.listener == f"ws://[::1]:{server.ports[0]}"
    await server.close()


async def test_every_address_means_ipv4_too() -> None:
    doors = FakeDoors()
    server = ChargerServer(doors, [Listener("::", 0)], max_frame=MAX_FRAME)
    await server.open()
    for host in ("127.0.0.1", "::1"):
        address = await knock(host, server.ports[0])
        assert (await within(doors.arrivals.get())).remote == address
    await server.close()


async def test_ipv4_may_have_a_listener_of_its_own_on_the_same_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = ChargerServer(FakeDoors(), [Listener("0.0.0.0", port), Listener("::", port)], max_frame=MAX_FRAME)
    await server.open()
    assert server.ports == (port, port)
    await server.close()
