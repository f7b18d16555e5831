"""The MQTT publisher against brokers that are old, strict, stalled, broken or hostile."""

from __future__ import annotations

import asyncio
import logging
import ssl
import struct
import tracemalloc
from dataclasses import replace

import pytest

from gateway.adapters.mqtt_publisher import Pace
from gateway.adapters.mqtt_publisher.connection import Connection
from gateway.core.message import Message
from tests.adapters.certificates import Authority, Pair
from tests.adapters.mqtt_rig import BASE, OFFLINE, PACE, Gauge, Lines, broker_at, running
from tests.counts import PATIENCE_S
from tests.support.scripted_broker import (
    DISCONNECT,
    PUBLISH,
    TOO_NEW_5,
    TOO_NEW_311,
    ScriptedBroker,
    Visit,
)
from tests.turns import one_turn


def connack_5(*, receive_maximum: int | None = None, maximum_qos: int | None = None) -> bytes:
    """A yes with limits (MQTT 5, 3.2)."""
    properties = b""
    if receive_maximum is not None:
        properties += b"\x21" + struct.pack("!H", receive_maximum)
    if maximum_qos is not None:
        properties += b"\x24" + bytes((maximum_qos,))
    body = b"\x00\x00" + bytes((len(properties),)) + properties
    return b"\x20" + bytes((len(body),)) + body


# -------------------------------------------------------------------------------------------------------- MQTT 5 or not


@pytest.mark.parametrize("answer", [TOO_NEW_311, TOO_NEW_5], ids=["3.1.1 words", "MQTT 5 words"])
async def test_broker_that_names_mqtt_5_unsupported_gets_311_from_then_on(answer: bytes) -> None:
    async def play(visit: Visit) -> None:
        if visit.level == 5:
            visit.send(answer)
            return
        visit.say_yes()
        await visit.packet()  # and hang up: the next connection comes at once

    async with ScriptedBroker(play) as broker, running(broker_at(broker.port)) as rig:
        state = await rig.until(lambda state: state.reconnects >= 2)
        assert state.protocol == 4
        assert broker.levels[:4] == [5, 4, 4, 4]


async def test_broker_that_hangs_up_on_mqtt_5_gets_311_at_once_and_from_then_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def play(visit: Visit) -> None:
        if visit.level == 5:
            return
        visit.say_yes()
        await visit.packet()

    async with ScriptedBroker(play) as broker, running(broker_at(broker.port)) as rig:
        state = await rig.until(lambda state: state.reconnects >= 2)
        assert state.protocol == 4
        assert broker.levels[:4] == [5, 4, 4, 4]
    assert "hung up" not in caplog.text


async def test_after_a_break_what_changed_goes_first_and_online_last() -> None:
    gauge = Gauge()

    async def play(visit: Visit) -> None:
        visit.say_yes()
        if len(broker.levels) == 1:
            visit.acknowledge(*await visit.packets(4))
            gauge.tell("all there")
            await visit.packet()  # and hang up without an answer
            return
        gauge.tell([packet.topic.removeprefix(f"{BASE}/") for packet in await visit.packets(4)])
        await visit.gone()

    async with ScriptedBroker(play) as broker, running(broker_at(broker.port)) as rig:
        for name in ("a", "b", "c"):
            rig.put(Message(name, "{}"))
        await gauge.told()
        rig.put(Message("b", "[]"))
        assert await gauge.told() == ["b", "a", "c", "status"]


async def test_connect_with_mqtt_5_asks_for_a_late_will_and_a_short_session() -> None:
    gauge = Gauge()

    async def play(visit: Visit) -> None:
        gauge.tell(visit.connect.body)
        visit.say_yes()
        await visit.serve()

    async with ScriptedBroker(play) as broker, running(broker_at(broker.port), Pace()):
        body = await gauge.told()
    assert isinstance(body, bytes)
    flags, keepalive = struct.unpack_from("!BH", body, 7)
    assert flags == 0b00101100, "will retained with QoS 1, no clean start"
    assert keepalive == 30
    assert b"\x05\x11" + struct.pack("!I", 60) in body, "session expiry 60 s"
    assert b"\x05\x18" + struct.pack("!I", 15) in body, "will delay 15 s"
    assert b"evgate-depot3-0badcafe" in body
    assert body.endswith(b"offline")


# --------------------------------------------------------------------------------------------------- silent and stalled


async def test_silent_broker_is_given_up_and_the_loop_lives(caplog: pytest.LogCaptureFixture) -> None:
    pace = replace(PACE, answer_s=0.2)
    async with ScriptedBroker(Visit.gone) as broker, running(broker_at(broker.port), pace) as rig:
        rig.put(Message("charger/cp01/state", "{}"))
        await broker.visited(1)
        rig.put(Message("charger/cp01/state", "[]"))
        async with asyncio.timeout(pace.answer_s / 2):
            await one_turn()
        await broker.visited(4)
        assert broker.levels[:4] == [5, 4, 5, 4]
        assert "says nothing; check that [mqtt] url names an MQTT port" in (rig.state().last_error or "")
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1


async def test_host_that_does_not_finish_tls_is_unreachable() -> None:
    pace = replace(PACE, connect_s=0.1)
    async with ScriptedBroker(Visit.gone, deaf=True) as broker:
        options = broker_at(broker.port, tls=ssl.create_default_context())
        with Lines() as lines:
            async with running(options, pace) as rig:
                await lines.until(2)
    assert (rig.state().last_error or "").endswith("does not answer; check [mqtt] url and the network")


async def test_connection_that_comes_too_late_is_closed() -> None:
    gauge = Gauge()

    async def play(visit: Visit) -> None:
        await visit.gone()
        gauge.tell("gone")

    async with ScriptedBroker(play) as broker:
        connection = Connection(broker_at(broker.port), PACE, 5)
        opening = asyncio.create_task(connection.open())
        await one_turn()
        assert connection.dialling
        opening.cancel()
        connection.close("given up")
        assert await gauge.told() == "gone"
        assert not connection.dialling


async def test_stop_does_not_wait_for_a_silent_broker() -> None:
    gauge = Gauge()

    async def play(visit: Visit) -> None:
        gauge.tell("connecting")
        await visit.gone()

    async with ScriptedBroker(play) as broker, running(broker_at(broker.port)) as rig:
        await gauge.told()
        async with asyncio.timeout(PATIENCE_S / 4):
            await rig.stop(OFFLINE)
            await rig.task
        assert rig.task.done()


@pytest.mark.parametrize("qos", [0, 1])
async def test_stalled_broker_costs_no_memory_and_is_dropped(qos: int, caplog: pytest.LogCaptureFixture) -> None:
    stalled = asyncio.Event()

    async def play(visit: Visit) -> None:
        visit.say_yes()
        await visit.packet()
        stalled.set()
        await asyncio.Event().wait()  # reads nothing any more

    pace = replace(PACE, acknowledge_s=1.5)
    async with ScriptedBroker(play) as broker, running(broker_at(broker.port), pace) as rig:
        async with asyncio.timeout(PATIENCE_S):
            await stalled.wait()
        tracemalloc.start()
        for number in range(200):
            for charger in range(100):
                rig.put(Message(f"charger/cp{charger}/state", f"{number}" + "x" * 1000, qos=qos))
            await one_turn()
        held_bytes, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        # 20 MB were put; 100 topics of 1 kB, and 20 on their way, may be held.
        assert held_bytes < 1_000_000
        state = await rig.until(lambda state: state.last_error is not None)
        assert state.last_error == "the broker stopped acknowledging"


async def test_broker_that_stops_answering_pings_is_dropped() -> None:
    async def play(visit: Visit) -> None:
        visit.say_yes()
        visit.acknowledge(await visit.packet())
        await visit.gone()

    pace = replace(PACE, keepalive_s=1)
    async with ScriptedBroker(play) as broker, running(broker_at(broker.port), pace) as rig:
        await rig.connected()
        state = await rig.lost()
        assert state.last_error in {"Keep alive timeout", "nothing heard from the broker"}


async def test_stop_leaves_offline_to_the_will_of_a_stalled_broker() -> None:
    gauge = Gauge()

    async def play(visit: Visit) -> None:
        visit.say_yes()
        kinds = []
        try:
            while True:
                kinds.append((await visit.packet()).kind)
        finally:
            gauge.tell(kinds)

    pace = replace(PACE, flush_s=0.3)
    async with ScriptedBroker(play) as broker, running(broker_at(broker.port), pace) as rig:
        await rig.connected()
        async with asyncio.timeout(2):
            await rig.stop(OFFLINE)
            await rig.task
        kinds = await gauge.told()
    assert kinds == [PUBLISH, PUBLISH], "online, offline and no DISCONNECT, which would take the will back"


async def test_stop_says_goodbye() -> None:
    gauge = Gauge()

    async def play(visit: Visit) -> None:
        visit.say_yes()
        gauge.tell([packet.kind for packet in await visit.serve()])

    async with ScriptedBroker(play) as broker, running(broker_at(broker.port)) as rig:
        await rig.connected()
        await rig.stop(OFFLINE)
        assert await gauge.told() == [PUBLISH, PUBLISH, DISCONNECT]


# --------------------------------------------------------------------------------------------------------------- limits


async def test_receive_maximum_is_kept() -> None:
    gauge = Gauge()

    async def play(visit: Visit) -> None:
        visit.send(connack_5(receive_maximum=2))
        first = await visit.packets(2)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await visit.packet()
        visit.acknowledge(*first)
        gauge.tell([packet.topic for packet in [*first, *await visit.packets(2)]])
        await visit.gone()

    async with ScriptedBroker(play) as broker, running(broker_at(broker.port)) as rig:
        for charger in range(5):
            rig.put(Message(f"charger/cp{charger}/state", "{}"))
        assert await gauge.told() == [f"{BASE}/charger/cp{charger}/state" for charger in range(4)]


async def test_broker_without_qos_1_gets_qos_0() -> None:
    gauge = Gauge()

    async def play(visit: Visit) -> None:
        visit.send(connack_5(maximum_qos=0))
        gauge.tell((await visit.packet()).flags >> 1 & 3)
        await visit.gone()

    async with ScriptedBroker(play) as broker, running(broker_at(broker.port)) as rig:
        assert await gauge.told() == 0
        await rig.stop(OFFLINE)
        assert rig.counters["published"] == 2


async def test_quota_is_tried_again_later_and_its_end_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    gauge = Gauge()

    async def play(visit: Visit) -> None:
        visit.say_yes()
        first = await visit.packet()
        visit.acknowledge(first, code=0x97)
        visit.acknowledge(await visit.packet())
        again = await visit.packet()
        visit.acknowledge(again, code=0x10)  # "no matching subscribers" is no failure
        gauge.tell([first.topic, again.topic])
        await visit.serve()

    async with ScriptedBroker(play) as broker, running(broker_at(broker.port), replace(PACE, denied_s=0.1)) as rig:
        rig.put(Message("charger/cp01/state", "{}"))
        assert await gauge.told() == [f"{BASE}/charger/cp01/state"] * 2
        await rig.stop(OFFLINE)
    lines = [record.getMessage() for record in caplog.records]
    assert "the broker said Quota exceeded" in lines[1]
    assert lines[2] == "MQTT: charger/cp01/state is published again"


# --------------------------------------------------------------------------------------------------------------- broken


async def test_answers_that_share_one_tls_record_are_all_read(authority: Authority, server_pair: Pair) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(server_pair.certificate, server_pair.key)

    async def play(visit: Visit) -> None:
        visit.say_yes()
        online = await visit.packet()
        # One message is on its way, so paho takes one packet; the other one is in no socket buffer any more.
        visit.send(b"\x40\x04" + online.packet_id + b"\x00\x00" + b"\xe0\x02\x8b\x00")
        await asyncio.Event().wait()

    options = broker_at(0, tls=ssl.create_default_context(cafile=authority.certificate))
    async with ScriptedBroker(play, server) as broker, running(replace(options, port=broker.port)) as rig:
        await rig.connected()
        assert (await rig.lost()).last_error == "the broker ended it: Server shutting down"
