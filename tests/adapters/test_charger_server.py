"""Chargers that behave: who comes in, what is answered; listeners, and their end."""

from __future__ import annotations

import asyncio
import socket

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.adapters.charger_server import ChargerServer, Listener, ListenFailed
from gateway.runtime.ports import LinkLost, Refused
from tests.adapters.charger_house import (
    MAX_FRAME,
    dial,
    enter,
    house,
    send_many,
    stuck_task,
    waiting_charger,
)
from tests.adapters.wire import TEXT, frame, request, wire
from tests.fakes.doors import FakeDoors, within
from tests.turns import one_turn

# Arrival and answer


async def test_the_door_hears_who_knocks() -> None:
    async with house() as served:
        header = "Basic QUwxMDAwOgABAgP/"
        async with dial(served.port, "//any//RDAM%20123?x", "ocpp2.0.1", "ocpp1.6", authorization=header) as charger:
            arrival = await within(served.doors.arrivals.get())
            assert arrival.identity == "RDAM 123"
            assert arrival.offered == ("ocpp2.0.1", "ocpp1.6")
            assert arrival.authorization == header
            assert arrival.listener == f"ws://127.0.0.1:{served.port}"
            assert arrival.remote == f"127.0.0.1:{charger.local_address[1]}"


async def test_without_credentials_none_are_told() -> None:
    async with house() as served, wire(served.port) as charger:
        await charger.upgrade("Authorization:")
        assert (await within(served.doors.arrivals.get())).authorization is None


async def test_the_door_chooses_the_subprotocol() -> None:
    async with (
        house(FakeDoors(subprotocol="ocpp2.0.1")) as served,
        dial(served.port, "/CP1", "ocpp1.6", "ocpp2.0.1") as charger,
    ):
        assert charger.subprotocol == "ocpp2.0.1"


@pytest.mark.parametrize(
    ("lines", "offered", "answered"),
    [
        ((), (), None),
        (("Sec-WebSocket-Protocol: ,ocpp1.6",), ("ocpp1.6",), "ocpp1.6"),
        (("Sec-WebSocket-Protocol: , ,",), (), None),
        (("Sec-WebSocket-Protocol: ocpp1.6 ocpp2.0.1",), ("ocpp1.6", "ocpp2.0.1"), "ocpp1.6"),
        (("Sec-WebSocket-Protocol: {bad}", "Sec-WebSocket-Protocol: OCPP1.6"), ("OCPP1.6",), "OCPP1.6"),
    ],
)
async def test_a_malformed_offer_is_read_as_meant(
    lines: tuple[str, ...], offered: tuple[str, ...], answered: str | None
) -> None:
    async with house() as served, wire(served.port) as charger:
        head = await charger.upgrade(*lines)
        assert head.startswith("HTTP/1.1 101 ")
        assert (await within(served.doors.arrivals.get())).offered == offered
        named = [line for line in head.split("\r\n") if line.startswith("Sec-WebSocket-Protocol")]
        assert named == ([] if answered is None else [f"Sec-WebSocket-Protocol: {answered}"])
        assert "Server:" not in head


async def test_compression_is_declined() -> None:
    async with house() as served, wire(served.port) as charger:
        head = await charger.upgrade("Sec-WebSocket-Extensions: permessage-deflate")
        assert "Extensions" not in head


@pytest.mark.parametrize(
    ("status", "header", "value"),
    [
        (401, "WWW-Authenticate", 'Basic realm="ocpp"'),
        (403, "WWW-Authenticate", None),
        (404, "Retry-After", None),
        (503, "Retry-After", "30"),
    ],
)
async def test_a_refusal_is_answered_in_http(status: int, header: str, value: str | None) -> None:
    async with house(FakeDoors(refusal=Refused(status, "no: do this instead"))) as served:
        with pytest.raises(InvalidStatus) as refused:
            await dial(served.port)
        response = refused.value.response
        assert response.status_code == status
        assert response.headers.get(header) == value
        assert bytes(response.body) == b"no: do this instead\n"
        assert served.doors.inside.empty()


async def test_a_charger_that_goes_while_it_waits_is_told_to_the_door() -> None:
    doors = FakeDoors()
    doors.gate.clear()
    async with house(doors) as served, wire(served.port) as charger:
        await waiting_charger(served, charger)
        charger.writer.write_eof()
        await within(doors.vanished.wait())
        assert await charger.rest() == b""
        assert doors.inside.empty()


async def test_a_charger_that_resets_while_it_waits_is_told_to_the_door() -> None:
    doors = FakeDoors()
    doors.gate.clear()
    async with house(doors) as served, wire(served.port) as charger:
        await waiting_charger(served, charger)
        charger.reset()
        assert await within(doors.vanished.wait())


async def test_who_was_admitted_too_late_is_attached_and_lost() -> None:
    doors = FakeDoors(admits_the_vanished=True)
    doors.gate.clear()
    async with house(doors) as served, wire(served.port) as charger:
        await waiting_charger(served, charger)
        charger.reset()
        events = await doors.next_inside()
        assert (await events.ending())[0] is None
        assert events.link is not None
        with pytest.raises(LinkLost):
            await events.link.send("[]")


async def test_who_goes_unseen_before_the_101_is_attached_and_lost() -> None:
    doors = FakeDoors()
    doors.gate.clear()
    async with house(doors) as served, wire(served.port) as charger:
        # Enough to make the gateway stop reading, so that only its own write finds the socket gone.
        early = frame(TEXT, b"[2]")
        charger.send(request() + early * 20)
        await within(doors.arrivals.get())
        charger.reset()
        await one_turn()
        doors.gate.set()
        events = await doors.next_inside()
        assert (await events.ending())[0] is None
        assert not doors.vanished.is_set()


async def test_what_a_charger_sends_too_early_waits_for_the_door() -> None:
    doors = FakeDoors()
    doors.gate.clear()
    async with house(doors) as served, wire(served.port) as charger:
        charger.send(request() + frame(TEXT, b"[2,1]"))
        await within(doors.arrivals.get())
        charger.send(frame(TEXT, b"[2,2]"))
        doors.gate.set()
        events = await doors.next_inside()
        assert [await events.next_text(), await events.next_text()] == ["[2,1]", "[2,2]"]


# Listeners


async def test_several_listeners_and_a_socket_of_somebody_else() -> None:
    bound = socket.create_server(("127.0.0.1", 0))
    taken = bound.getsockname()[1]
    doors = FakeDoors()
    listeners = [Listener("127.0.0.1", 0), Listener("0.0.0.0", taken, bound=bound)]
    server = ChargerServer(doors, listeners, max_frame=MAX_FRAME)
    await server.open()
    assert server.ports[1] == taken
    async with dial(server.ports[0]), dial(server.ports[1]):
        arrivals = [await within(doors.arrivals.get()) for _ in server.ports]
    assert [arrival.listener for arrival in arrivals] == [
        f"ws://127.0.0.1:{server.ports[0]}",
        f"ws://0.0.0.0:{taken}",
    ]
    await server.close()


async def test_a_taken_port_is_said_and_the_others_are_served() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        doors = FakeDoors()
        listeners = [Listener("127.0.0.1", port), Listener("127.0.0.1", 0), Listener("127.0.0.1", 0)]
        server = ChargerServer(doors, listeners, max_frame=MAX_FRAME)
        await server.open()
        taken, *opened = server.states()
        assert taken.listener == listeners[0]
        assert taken.port is None
        assert taken.problem is not None
        assert taken.problem.startswith(f"cannot listen on 127.0.0.1:{port} (")
        assert taken.problem.endswith("another program listens there; find it with `ss -ltnp`, or choose another port")
        assert [state.problem for state in opened] == [None, None]
        assert tuple(state.port for state in opened) == server.ports
        assert server.accepting
        for open_port in server.ports:
            async with dial(open_port):
                await doors.next_inside()
        assert await server.retry() == []
    [state] = await server.retry()
    assert state == server.states()[0]
    assert (state.port, state.problem) == (port, None)
    async with dial(port):
        await doors.next_inside()
    assert await server.retry() == []
    await server.close()
    assert await server.retry() == []
    assert server.ports == ()


async def test_where_nothing_can_be_opened_each_is_said_and_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = ChargerServer(FakeDoors(), [Listener("192.0.2.1", 0), Listener("127.0.0.1", port)], max_frame=1)
        with pytest.raises(ListenFailed, match=rf"192\.0\.2\.1:0 .*; cannot listen on 127\.0\.0\.1:{port} "):
            await server.open()
        assert server.ports == ()
    assert [state.port for state in await server.retry()] == [port]
    await server.close()


async def test_an_opening_that_is_cancelled_leaves_no_listener() -> None:
    bound = socket.create_server(("127.0.0.1", 0))
    port = bound.getsockname()[1]
    server = ChargerServer(FakeDoors(), [Listener("127.0.0.1", port, bound=bound)], max_frame=1)
    opening = asyncio.create_task(server.open())
    await one_turn()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert bound.fileno() == -1
    await server.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_listener_that_was_closed_accepts_no_more() -> None:
    async with house() as served:
        charger, _ = await enter(served)
        accepting = [served.server.accepting]
        served.server.stop_listening()
        await one_turn()
        accepting.append(served.server.accepting)
        assert accepting == [True, False]
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", served.port)
        # Who is in stays in.
        assert await within(await charger.ping()) >= 0.0


# Sockets that somebody else holds


async def test_who_dials_a_held_socket_between_two_servers_waits_and_is_served() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        first = ChargerServer(FakeDoors(), [Listener("127.0.0.1", port, bound=held.dup())], max_frame=MAX_FRAME)
        await first.open()
        charger = await dial(port)
        first.stop_listening()
        await one_turn()
        waiting = [asyncio.create_task(_upgraded(port)) for _ in range(50)]
        await first.close()
        with pytest.raises(ConnectionClosed) as closed:
            await charger.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        waiting += [asyncio.create_task(_upgraded(port)) for _ in range(50)]
        assert await stuck_task(asyncio.gather(*waiting))
        second = ChargerServer(FakeDoors(), [Listener("127.0.0.1", port, bound=held.dup())], max_frame=MAX_FRAME)
        await second.open()
        heads = await within(asyncio.gather(*waiting))
        assert {head.split("\r\n")[0] for head in heads} == {"HTTP/1.1 101 Switching Protocols"}
        await second.close()


async def test_what_a_held_socket_accepts_does_not_wait_for_acknowledgements() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        assert not held.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        server = ChargerServer(FakeDoors(), [Listener("127.0.0.1", port, bound=held.dup())], max_frame=MAX_FRAME)
        await server.open()
        # It belongs to the socket, not to the descriptor, and every accepted one inherits it.
        assert held.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await server.close()


async def _upgraded(port: int) -> str:
    """The answer to an upgrade, however long it takes."""
    async with wire(port) as charger:
        return await charger.upgrade()


async def test_an_address_of_another_machine_is_said() -> None:
    server = ChargerServer(FakeDoors(), [Listener("192.0.2.1", 0)], max_frame=1)
    with pytest.raises(ListenFailed, match="no address of this machine"):
        await server.open()


# The end


async def test_closing_tells_the_chargers_and_leaves_nobody_waiting() -> None:
    doors = FakeDoors()
    async with house(doors) as served, wire(served.port) as silent, wire(served.port) as asking:
        charger, events = await enter(served)
        doors.gate.clear()
        await within(doors.arrivals.get())
        await waiting_charger(served, asking)
        await within(served.server.close())
        assert await events.ending() == (1012, "the gateway restarts")
        await within(doors.vanished.wait())
        assert await silent.rest() == b""
        assert await asking.rest() == b""
        with pytest.raises(ConnectionClosed) as closed:
            await charger.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", served.port)


async def test_closing_does_not_wait_for_a_station_that_takes_no_frame() -> None:
    async with house() as served:
        charger, events = await enter(served)
        events.gate.clear()
        await charger.send("[]")
        await events.next_text()
        await within(served.server.close(1001, "bye"))
        assert await events.ending() == (1001, "bye")


async def test_closing_does_not_wait_for_a_charger_that_does_not_read() -> None:
    async with house() as served, wire(served.port) as charger:
        await charger.upgrade()
        events = await served.doors.next_inside()
        assert events.link is not None
        charger.writer.transport.pause_reading()  # type: ignore[attr-defined]
        sending = asyncio.create_task(send_many(events.link, 400))
        assert await stuck_task(sending)
        await within(served.server.close())
        with pytest.raises(LinkLost):
            await sending
