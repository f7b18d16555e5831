"""Events against brokers that hang up, say no, or stall: at least once, and no event holds up the others."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from gateway.adapters.mqtt_publisher.events import MOST_LOSSES
from gateway.core.message import Message
from tests.adapters.mqtt_rig import BASE, OFFLINE, PACE, Gauge, Lines, broker_at, event, running
from tests.counts import SOCKET_EXAMPLES, dice
from tests.support.scripted_broker import DISCONNECT, PUBLISH, Packet, ScriptedBroker, Visit

STATUS = f"{BASE}/status"


def content(packet: Packet) -> Any:
    """What an event says: its payload, behind topic, packet id and no properties."""
    start = 2 + len(packet.topic.encode()) + 3
    return json.loads(packet.body[start:])


def is_event(packet: Packet) -> bool:
    """Not a state."""
    return packet.kind == PUBLISH and packet.topic.startswith(f"{BASE}/event/")


async def test_after_a_break_events_go_on_from_the_oldest_unacknowledged_and_say_replayed() -> None:
    gauge = Gauge()

    async def play(visit: Visit) -> None:
        visit.say_yes()
        visit.acknowledge(await visit.packet())
        sent = await visit.packets(3)
        gauge.tell([content(packet) for packet in sent])
        if len(broker.levels) == 1:
            visit.acknowledge(sent[0])
            return  # and hang up without an answer to the others
        visit.acknowledge(*sent)
        await visit.serve()

    async with ScriptedBroker(play) as broker, running(broker_at(broker.port), replace(PACE, late_s=60)) as rig:
        for number in (1, 2, 3):
            rig.put(event(number))
        assert await gauge.told() == [{"n": 1}, {"n": 2}, {"n": 3}]
        rig.put(event(4))
        assert await gauge.told() == [{"n": 2, "replayed": True}, {"n": 3, "replayed": True}, {"n": 4}]


async def test_nothing_is_lost_whatever_the_broker_does() -> None:
    """It hangs up at any moment, with any of the last answers missing: each event is acknowledged, in order."""
    rng = dice("mqtt events")
    acknowledged: list[int] = []
    done = Gauge()

    async def play(visit: Visit) -> None:
        visit.say_yes()
        left = rng.randrange(2, 40)
        while len(broker.levels) > SOCKET_EXAMPLES or left:
            packet = await visit.packet()
            left -= 1
            visit.acknowledge(packet)
            if is_event(packet):
                acknowledged.append(content(packet)["n"])
                if acknowledged[-1] == 399:
                    done.tell("all")

    pace = replace(PACE, retry_base_s=0.001, retry_cap_s=0.002, events_per_s=100_000)
    async with ScriptedBroker(play) as broker, running(broker_at(broker.port), pace) as rig:
        for number in range(400):
            rig.put(event(number))
        await done.told()
    firsts = list(dict.fromkeys(acknowledged))
    assert firsts == list(range(400))
    assert rig.counters["dropped"] == rig.counters["refused"] == 0


async def test_events_share_the_window_with_the_state() -> None:
    gauge = Gauge()

    async def play(visit: Visit) -> None:
        visit.send(b"\x20\x06\x00\x00\x03\x21\x00\x02")  # receive maximum 2
        first = await visit.packets(2)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await visit.packet()
        gauge.tell([packet.topic for packet in first])
        await visit.gone()

    async with ScriptedBroker(play) as broker, running(broker_at(broker.port)) as rig:
        for number in range(5):
            rig.put(event(number))
        assert await gauge.told() == [STATUS, f"{BASE}/event/status/cp01/1"]


async def test_backlog_lets_live_state_through() -> None:
    gauge = Gauge()
    events: list[Packet] = []

    async def play(visit: Visit) -> None:
        visit.say_yes()
        while True:
            packet = await visit.packet()
            visit.acknowledge(packet)
            if is_event(packet):
                events.append(packet)
                gauge.tell("event")
            elif packet.topic != STATUS:
                gauge.tell(len(events))

    async with ScriptedBroker(play) as broker, running(broker_at(broker.port), replace(PACE, events_per_s=10)) as rig:
        for number in range(100):
            rig.put(event(number))
        assert await gauge.told() == "event"
        rig.put(Message("charger/cp01/state", "{}"))
        while (told := await gauge.told()) == "event":
            pass
        assert isinstance(told, int)
        assert told < 50, "100 events take ten seconds"
        while len(events) <= told:
            await gauge.told()


async def test_denied_event_is_sent_again_in_its_old_order(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    gauge = Gauge()

    async def play(visit: Visit) -> None:
        visit.say_yes()
        visit.acknowledge(await visit.packet())
        denied = await visit.packets(2)
        visit.acknowledge(*denied, code=0x87)
        other = await visit.packet()
        visit.acknowledge(other)
        again = await visit.packets(3)
        visit.acknowledge(*again)
        gauge.tell([(packet.topic.removeprefix(f"{BASE}/"), content(packet)["n"]) for packet in [other, *again]])
        await visit.serve()

    async with ScriptedBroker(play) as broker, running(broker_at(broker.port), replace(PACE, denied_s=0.3)) as rig:
        with Lines() as lines:
            rig.put(event(1))
            rig.put(event(2))
            await lines.until(2)
            rig.put(event(3))  # waits with the others of its topic
            rig.put(event(4, "event/fault/cp01/1"))
            status = "event/status/cp01/1"
            assert await gauge.told() == [("event/fault/cp01/1", 4), (status, 1), (status, 2), (status, 3)]
            await rig.stop(OFFLINE)
            assert lines.texts(logging.INFO)[-1] == "MQTT: event/status/cp01/1 is published again"


async def test_event_that_a_broker_will_never_take_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    gauge = Gauge()

    async def play(visit: Visit) -> None:
        visit.say_yes()
        visit.acknowledge(await visit.packet())
        visit.acknowledge(await visit.packet(), code=0x83)
        following = await visit.packet()
        visit.acknowledge(following)
        gauge.tell(content(following)["n"])
        await visit.serve()

    async with ScriptedBroker(play) as broker, running(broker_at(broker.port)) as rig:
        rig.put(event(1))
        rig.put(event(2))
        assert await gauge.told() == 2
        await rig.stop(OFFLINE)
        assert rig.counters["refused"] == 1
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "the broker said Implementation specific error; this one is given up, see the broker's log" in warning


async def test_event_at_which_a_broker_hangs_up_does_not_block_the_queue(caplog: pytest.LogCaptureFixture) -> None:
    gauge = Gauge()

    async def play(visit: Visit) -> None:
        visit.say_yes()
        while True:
            packet = await visit.packet()
            if is_event(packet) and content(packet)["n"] == 2:
                return
            visit.acknowledge(packet)
            if is_event(packet):
                gauge.tell(content(packet)["n"])

    async with ScriptedBroker(play) as broker, running(broker_at(broker.port)) as rig:
        for number in (1, 2, 3):
            rig.put(event(number))
        assert [await gauge.told() for _ in range(2)] == [1, 3]
        assert rig.state().reconnects == MOST_LOSSES
        assert rig.counters["refused"] == 1
    told = [record.getMessage() for record in caplog.records if "given up" in record.getMessage()]
    assert len(told) == 1
    assert f"{MOST_LOSSES} connections ended at it" in told[0]


async def test_too_many_events_cost_the_oldest_and_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    gauge = Gauge()
    away = asyncio.Event()

    async def play(visit: Visit) -> None:
        if not away.is_set():
            return
        visit.say_yes()
        visit.acknowledge(await visit.packet())
        kept = await visit.packets(3)
        visit.acknowledge(*kept)
        gauge.tell([content(packet)["n"] for packet in kept])
        await visit.serve()

    async with ScriptedBroker(play) as broker, running(broker_at(broker.port), replace(PACE, events_held=3)) as rig:
        for number in range(10):
            rig.put(event(number))
        away.set()
        assert await gauge.told() == [7, 8, 9]
        await rig.stop(OFFLINE)
        assert rig.counters["dropped"] == 7
    overflow = [record for record in caplog.records if "dropped" in record.getMessage()]
    assert [record.levelno for record in overflow] == [logging.WARNING, logging.INFO]
    assert overflow[1].getMessage().endswith("are delivered; 7 had been dropped")


async def test_stop_says_offline_although_events_are_never_answered(caplog: pytest.LogCaptureFixture) -> None:
    gauge = Gauge()

    async def play(visit: Visit) -> None:
        visit.say_yes()
        kinds = []
        while True:
            packet = await visit.packet()
            kinds.append(packet.topic.removeprefix(f"{BASE}/") if packet.kind == PUBLISH else packet.kind)
            if packet.kind == DISCONNECT:
                gauge.tell(kinds)
                return
            if not is_event(packet):
                visit.acknowledge(packet)
            elif len(kinds) == 3:
                gauge.tell("both came")

    async with (
        ScriptedBroker(play) as broker,
        running(broker_at(broker.port), replace(PACE, flush_events_s=0.1)) as rig,
    ):
        rig.put(event(1))
        rig.put(event(2))
        assert await gauge.told() == "both came"
        await rig.stop(OFFLINE)
        assert await gauge.told() == ["status", "event/status/cp01/1", "event/status/cp01/1", "status", DISCONNECT]
    assert "MQTT: 2 events did not reach the broker and are lost with this stop" in caplog.text
