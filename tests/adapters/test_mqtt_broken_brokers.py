"""The MQTT publisher against brokers that talk nonsense, throw it off, or are not there."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import pytest
from paho.mqtt.reasoncodes import ReasonCode

from gateway.adapters.mqtt_publisher import Broker
from gateway.adapters.mqtt_publisher.connection import Connection
from gateway.core.message import Message
from tests.adapters.mqtt_rig import BASE, OFFLINE, ONLINE, PACE, Gauge, Lines, broker_at, running
from tests.counts import PATIENCE_S, SOCKET_EXAMPLES, dice
from tests.support.scripted_broker import (
    YES_5,
    ScriptedBroker,
    Visit,
)


async def test_garbage_costs_the_connection_and_nothing_else() -> None:
    rng = dice("mqtt garbage")
    gauge = Gauge()

    async def play(visit: Visit) -> None:
        if len(broker.levels) > SOCKET_EXAMPLES:
            visit.say_yes()
            gauge.tell((await visit.packet()).topic)
            await visit.gone()
            return
        if rng.random() < 0.5:
            visit.say_yes()
        visit.send(rng.randbytes(rng.randrange(1, 60)))

    pace = replace(PACE, answer_s=0.5, retry_base_s=0.001, retry_cap_s=0.002, refused_s=0.001)
    async with ScriptedBroker(play) as broker, running(broker_at(broker.port), pace) as rig:
        rig.put(Message("charger/cp01/state", "{}"))
        assert await gauge.told() == f"{BASE}/charger/cp01/state"
        assert not rig.task.done()


async def test_callback_that_raises_costs_the_connection_only(caplog: pytest.LogCaptureFixture) -> None:
    async def play(visit: Visit) -> None:
        visit.say_yes()
        await visit.serve()

    def answered(reason: ReasonCode) -> None:
        raise LookupError(reason)

    async with ScriptedBroker(play) as broker:
        connection = Connection(broker_at(broker.port), PACE, 5)
        await connection.open()
        connection.publish(ONLINE, answered)
        async with asyncio.timeout(PATIENCE_S):
            assert await connection.ended == "an error of the gateway's own"
    assert "LookupError" in caplog.text


async def test_broker_that_drops_every_connection_is_left_alone_more_and_more(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def play(visit: Visit) -> None:
        visit.send(YES_5 + b"\xe0\x02\x8e\x00")  # session taken over

    pace = replace(PACE, short_life_s=60, retry_base_s=0.001, retry_cap_s=0.01)
    async with ScriptedBroker(play) as broker, running(broker_at(broker.port), pace) as rig:
        await rig.until(lambda state: state.reconnects >= 10)
        assert rig.state().last_error in {None, "the broker ended it: Session taken over"}
    advice = [record for record in caplog.records if "give each gateway its own [site] id" in record.getMessage()]
    assert len(advice) == 1
    assert len(caplog.records) < 10, "the rest is debug"


# --------------------------------------------------------------------------------------------------------------- nobody


@pytest.mark.parametrize(
    ("quiet", "level", "text"),
    [
        (True, logging.INFO, "MQTT: no broker at 127.0.0.1:1; set [mqtt] url"),
        (False, logging.WARNING, "no connection to 127.0.0.1:1 ("),
    ],
)
async def test_nobody_there(quiet: bool, level: int, text: str) -> None:
    with Lines() as lines:
        async with running(broker_at(1), quiet=quiet):
            await lines.until(3)
    assert text in lines.records[0].getMessage()
    assert [record.levelno for record in lines.records[:3]] == [level, logging.DEBUG, logging.DEBUG]


async def test_host_name_that_cannot_be_one_is_an_ordinary_failure() -> None:
    with Lines() as lines:
        async with running(broker_at(1883, host="a..b")):
            await lines.until(1)
    assert "check [mqtt] url" in lines.records[0].getMessage()


async def test_broker_found_quietly_is_missed_aloud(caplog: pytest.LogCaptureFixture) -> None:
    async def play(visit: Visit) -> None:
        visit.say_yes()
        await visit.packet()

    async with ScriptedBroker(play) as broker, running(broker_at(broker.port), quiet=True) as rig:
        await rig.connected()
        await rig.lost()
    assert "lost: the broker closed the connection" in caplog.text


def test_name_and_repr_of_a_broker() -> None:
    plain = Broker("broker.example", 8883, "id", BASE, ONLINE, OFFLINE, password="rosebud-77")
    assert plain.name == "broker.example:8883"
    assert replace(plain, host="2001:db8::1").name == "[2001:db8::1]:8883"
    assert "rosebud" not in repr(plain)
