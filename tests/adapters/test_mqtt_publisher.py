"""The MQTT publisher against a real mosquitto: what stands on the broker, whatever happens to either of them."""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import replace

import pytest

from gateway.core.message import Message
from tests.adapters.certificates import Authority, Pair
from tests.adapters.mqtt_rig import BASE, OFFLINE, PACE, broker_at, running
from tests.counts import PATIENCE_S
from tests.support.broker import Broker
from tests.support.mqtt import Subscriber

STATE = f"{BASE}/charger/cp01/state"
STATUS = f"{BASE}/status"

# The gateway may write its status and the states of chargers, and nothing else.
NARROW_ACL = f"""
user gateway
topic write {STATUS}
topic write {BASE}/charger/+/state
user reader
topic read #
"""


def value(number: int) -> Message:
    """A new state of the charger."""
    return Message("charger/cp01/state", f'{{"n":{number}}}')


async def test_state_stands_retained_with_online_last() -> None:
    async with Broker() as broker, Subscriber(broker.port) as mqtt, running(broker_at(broker.port)) as rig:
        rig.put(value(1))
        rig.put(Message("charger/cp02/state", "{}"))
        await mqtt.wait_for(STATUS)
        assert [message.topic for message in mqtt.messages] == [STATE, f"{BASE}/charger/cp02/state", STATUS]
        rig.put(value(2))
        await mqtt.wait_for(STATE, '{"n":2}'.__eq__)
        async with Subscriber(broker.port) as late:
            assert await late.wait_for(STATE) == '{"n":2}'
            assert await late.wait_for(STATUS) == "online"
            assert all(message.retain and message.qos == 1 for message in late.messages)


async def test_what_is_cleared_stands_no_more_and_is_not_told_again() -> None:
    async with Broker() as broker, running(broker_at(broker.port)) as rig:
        async with Subscriber(broker.port) as mqtt:
            rig.put(value(1))
            await mqtt.wait_for(STATE)
            rig.put(Message("charger/cp01/state", ""))
            await mqtt.wait_for(STATE, "".__eq__)
            async with Subscriber(broker.port) as late:
                await late.wait_for(STATUS)
                assert late.history(STATE) == []
        await broker.stop()
        rig.put(Message("charger/cp02/state", "{}"))
        await broker.start()
        async with Subscriber(broker.port) as mqtt:
            await mqtt.wait_for(STATUS, "online".__eq__)
            assert mqtt.history(f"{BASE}/charger/cp02/state") == ["{}"]
            assert mqtt.history(STATE) == []
            rig.put(value(2))
            await mqtt.wait_for(STATE, '{"n":2}'.__eq__)


async def test_state_of_the_connection_is_told_and_part_of_the_first_burst() -> None:
    async with Broker() as broker, Subscriber(broker.port) as mqtt, running(broker_at(broker.port)) as rig:
        assert (rig.state().connected, rig.state().protocol, rig.state().connected_since) == (False, None, None)
        rig.said_on_change.append(Message("gateway/state", "{}"))
        await mqtt.wait_for(STATUS)
        assert [message.topic for message in mqtt.messages] == [f"{BASE}/gateway/state", STATUS]
        state = rig.state()
        assert (state.connected, state.protocol, state.reconnects, state.last_error) == (True, 5, 0, None)
        assert state.broker == f"127.0.0.1:{broker.port}"
        assert state.connected_since is not None


async def test_lost_gateway_is_offline_by_the_brokers_word() -> None:
    async with Broker() as broker, Subscriber(broker.port) as mqtt, running(broker_at(broker.port)) as rig:
        await mqtt.wait_for(STATUS, "online".__eq__)
        await rig.vanish()
        await mqtt.wait_for(STATUS, "offline".__eq__)
        async with Subscriber(broker.port) as late:
            assert await late.wait_for(STATUS) == "offline"


async def test_short_break_is_not_told_with_mqtt_5() -> None:
    pace = replace(PACE, will_delay_s=15)
    async with Broker() as broker, Subscriber(broker.port) as mqtt:
        async with running(broker_at(broker.port), pace):
            await mqtt.wait_for(STATUS, "online".__eq__)
        async with running(broker_at(broker.port), pace) as again:
            await mqtt.wait_for(STATUS, lambda _: mqtt.history(STATUS).count("online") == 2)
            await again.stop(OFFLINE)
            await mqtt.wait_for(STATUS, "offline".__eq__)
        assert mqtt.history(STATUS) == ["online", "online", "offline"]


async def test_killed_broker_gets_everything_back_and_only_the_latest(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with Broker() as broker, running(broker_at(broker.port)) as rig:
        rig.put(Message("charger/cp02/state", "{}"))
        rig.put(value(0))
        async with Subscriber(broker.port) as mqtt:
            await mqtt.wait_for(STATUS, "online".__eq__)
        await broker.kill()
        await rig.lost()
        for number in range(1, 1001):
            rig.put(value(number))
        await broker.start()
        async with Subscriber(broker.port) as mqtt:
            await mqtt.wait_for(STATUS, "online".__eq__)
            assert mqtt.history(STATE) == ['{"n":1000}']
            assert mqtt.history(f"{BASE}/charger/cp02/state") == ["{}"]
        assert [state.connected for state in rig.changes] == [True, False, True]
        assert rig.state().reconnects == 1
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]
    assert [line.split("(")[0].split(":")[0] for line in lines] == ["MQTT"] * 3
    assert "lost: the broker closed the connection" in lines[1]
    assert "is back after 0 s" in lines[2]


async def test_broker_that_saved_an_older_state_is_brought_up_to_date() -> None:
    """Persistent brokers save sessions and retained messages at times of their own choice."""
    async with Broker(persistent=True) as broker, running(broker_at(broker.port)) as rig:
        async with Subscriber(broker.port) as mqtt:
            rig.put(value(1))
            await mqtt.wait_for(STATE)
            await broker.stop()  # saves
            await broker.start()
            rig.put(value(2))
            await mqtt.wait_for(STATE, '{"n":2}'.__eq__)
        await broker.restart()  # did not save: is back at 1
        async with Subscriber(broker.port) as mqtt:
            assert await mqtt.wait_for(STATE, '{"n":2}'.__eq__) == '{"n":2}'


async def test_stop_flushes_says_offline_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    async with Broker() as broker, Subscriber(broker.port) as mqtt, running(broker_at(broker.port)) as rig:
        for charger in range(100):
            rig.put(Message(f"charger/cp{charger}/state", "{}"))
        await rig.connected()
        for charger in range(100, 200):
            rig.put(Message(f"charger/cp{charger}/state", "{}"))
        await rig.stop(OFFLINE)
        async with asyncio.timeout(PATIENCE_S):
            await rig.task
        assert await mqtt.wait_for(STATUS, "offline".__eq__)
        assert len([topic for topic in mqtt.latest if topic.endswith("/state")]) == 200
        assert mqtt.messages[-1].topic == STATUS
        await rig.stop(OFFLINE)
        assert not rig.state().connected
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


async def test_idle_connection_is_kept_alive() -> None:
    pace = replace(PACE, keepalive_s=1)
    async with Broker(config="log_type all") as broker, running(broker_at(broker.port), pace) as rig:
        await broker.logged("Received PINGREQ", times=3)
        assert (rig.state().connected, rig.state().reconnects) == (True, 0)


async def test_bad_credentials_are_told_once_without_the_password(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    options = broker_at(0, username="gateway", password="rosebud-77")
    async with (
        Broker(users={"gateway": "another"}, config="log_type all") as broker,
        running(replace(options, port=broker.port)) as rig,
    ):
        await broker.logged("not authorised", times=3)
        assert not rig.state().connected
        assert "check [mqtt] username and password" in (rig.state().last_error or "")
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1
    assert "rosebud" not in caplog.text + repr(options) + repr(rig.state())


async def test_denied_messages_cost_nothing_but_themselves(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    options = broker_at(0, username="gateway", password="secret")
    users = {"gateway": "secret", "reader": "secret"}
    async with Broker(users=users, acl=NARROW_ACL, config="log_type all") as broker:
        reader = Subscriber(broker.port, username="reader", password="secret")
        async with reader as mqtt, running(replace(options, port=broker.port), replace(PACE, denied_s=0.2)) as rig:
            for charger in range(3):
                rig.put(Message(f"charger/cp{charger}/info", "{}"))
            rig.put(value(1))
            await mqtt.wait_for(STATE)
            await mqtt.wait_for(STATUS)
            await broker.logged("Denied PUBLISH", times=6)
            rig.put(Message("charger/cp0/info", "[]"))  # waits for the next try like the rest
            rig.put(value(2))
            await mqtt.wait_for(STATE, '{"n":2}'.__eq__)
            assert rig.counters["denied"] >= 3
            assert not [topic for topic in mqtt.latest if topic.endswith("info")]
            assert rig.state().connected
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "charger/cp0/info not published: the broker said Not authorized; allow it" in warning


async def test_packet_over_the_brokers_limit_is_dropped_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    async with (
        Broker(config="max_packet_size 300") as broker,
        Subscriber(broker.port) as mqtt,
        running(broker_at(broker.port)) as rig,
    ):
        rig.put(Message("charger/cp01/state", "x" * 300))
        rig.put(Message("charger/cp02/state", "{}"))
        await mqtt.wait_for(STATUS)
        assert STATE not in mqtt.latest
        rig.put(value(1))
        await mqtt.wait_for(STATE, '{"n":1}'.__eq__)
        assert rig.counters["oversized"] == 1
        assert rig.state().reconnects == 0
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "the broker takes 300; raise" in warning


async def test_what_mqtt_cannot_carry_does_not_stop_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    async with Broker() as broker, Subscriber(broker.port) as mqtt, running(broker_at(broker.port)) as rig:
        rig.put(Message("charger/+/state", "{}"))
        rig.put(Message("charger/cp02/info", "\ud800"))
        rig.put(value(1))
        await mqtt.wait_for(STATE)
        await mqtt.wait_for(STATUS)
        assert rig.counters["unfit"] == 2
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 2


async def test_tls(authority: Authority, server_pair: Pair) -> None:
    context = ssl.create_default_context(cafile=authority.certificate)
    tls = (server_pair.certificate, server_pair.key)
    async with Broker(tls=tls) as broker, running(broker_at(broker.port, tls=context)) as rig:
        rig.put(value(1))
        await rig.connected()
        await rig.stop(OFFLINE)
        assert rig.counters["published"] >= 2
        assert rig.state().last_error is None


async def test_unknown_certificate_is_named(server_pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    context = ssl.create_default_context()
    async with (
        Broker(tls=(server_pair.certificate, server_pair.key), config="log_type all") as broker,
        running(broker_at(broker.port, tls=context)) as rig,
    ):
        await broker.logged("unknown ca", times=2)
        assert "check [mqtt] ca" in (rig.state().last_error or "")
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1
