"""Events through the MQTT publisher to a real mosquitto: each one, in order, however often the broker goes."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest

from gateway.core.message import Message
from tests.adapters.mqtt_rig import BASE, OFFLINE, PACE, Lines, broker_at, event, running
from tests.support.broker import Broker
from tests.support.mqtt import Subscriber

STATUS = f"{BASE}/status"
EVENT = f"{BASE}/event/status/cp01/1"
METER = f"{BASE}/charger/cp01/connector/1/meter"

# Sessions may be written, and nothing else but the gateway's own status.
SESSIONS_ONLY = f"""
user gateway
topic write {STATUS}
topic write {BASE}/event/session/#
user reader
topic read #
"""


def numbers(payloads: list[str]) -> list[int]:
    """The numbers that the test gave to its events."""
    return [json.loads(payload)["n"] for payload in payloads]


async def test_events_come_one_by_one_after_the_state_and_stand_nowhere() -> None:
    async with Broker() as broker, Subscriber(broker.port) as mqtt, running(broker_at(broker.port)) as rig:
        for number in range(50):
            rig.put(event(number))
        rig.put(Message("charger/cp01/state", "{}"))
        await mqtt.wait_for(EVENT, event(49).payload.__eq__)
        topics = [message.topic for message in mqtt.messages]
        assert topics == [f"{BASE}/charger/cp01/state", STATUS] + [EVENT] * 50
        assert numbers(mqtt.history(EVENT)) == list(range(50))
        assert {message.qos for message in mqtt.messages} == {1}
        async with Subscriber(broker.port) as late:
            await late.wait_for(STATUS)
            assert late.history(EVENT) == []


async def test_events_wait_for_a_broker_that_is_away_and_say_that_they_are_late() -> None:
    pace = replace(PACE, late_s=0)
    async with Broker() as broker, running(broker_at(broker.port), pace) as rig:
        await rig.connected()
        await broker.kill()
        await rig.lost()
        for number in range(100):
            rig.put(event(number))
            rig.put(Message("charger/cp01/state", f'{{"n":{number}}}'))
        await broker.start()
        async with Subscriber(broker.port) as mqtt:
            # What was sent before the subscription is gone: the last ones come after it.
            for number in range(100, 150):
                rig.put(event(number))
            await mqtt.wait_for(EVENT, lambda payload: json.loads(payload)["n"] == 149)
            came = numbers(mqtt.history(EVENT))
            assert came == list(range(came[0], 150))
            assert mqtt.history(f"{BASE}/charger/cp01/state") == ['{"n":99}']
            assert {json.loads(payload).get("replayed") for payload in mqtt.history(EVENT)} == {True}
        assert rig.counters["dropped"] == 0


async def test_stop_hands_over_what_waits_before_it_says_offline(caplog: pytest.LogCaptureFixture) -> None:
    pace = replace(PACE, events_per_s=10)
    async with Broker() as broker, Subscriber(broker.port) as mqtt, running(broker_at(broker.port), pace) as rig:
        await rig.connected()
        for number in range(500):
            rig.put(event(number))
        rig.put(Message("charger/cp01/state", "{}"))
        await rig.stop(OFFLINE)
        await mqtt.wait_for(STATUS, "offline".__eq__)
        assert numbers(mqtt.history(EVENT)) == list(range(500))
        assert mqtt.messages[-1].topic == STATUS
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


async def test_denied_events_wait_and_hold_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    options = broker_at(0, username="gateway", password="secret")
    users = {"gateway": "secret", "reader": "secret"}
    sessions = f"{BASE}/event/session/cp01/1"
    async with Broker(users=users, acl=SESSIONS_ONLY, config="log_type all") as broker:
        reader = Subscriber(broker.port, username="reader", password="secret")
        async with reader as mqtt, running(replace(options, port=broker.port), replace(PACE, denied_s=0.2)) as rig:
            for number in range(30):
                rig.put(event(number, f"event/status/cp0{number % 3}/1"))
            rig.put(event(30, "event/session/cp01/1"))
            await mqtt.wait_for(sessions)
            await broker.logged("Denied PUBLISH", times=30)
            rig.put(event(31, "event/session/cp01/1"))
            await mqtt.wait_for(sessions, event(31).payload.__eq__)
            assert numbers(mqtt.history(sessions)) == [30, 31]
            assert EVENT not in mqtt.latest
            assert rig.state().reconnects == 0
            await rig.stop(OFFLINE)
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "event/status/cp00/1 not published: the broker said Not authorized; allow it" in warnings[0]
    assert warnings[1:] == [
        "MQTT: 30 events did not reach the broker and are lost with this stop; check why it took none"
    ]


async def test_event_that_is_too_large_or_unfit_is_dropped_and_the_rest_goes_on() -> None:
    async with (
        Broker(config="max_packet_size 300") as broker,
        Subscriber(broker.port) as mqtt,
        running(broker_at(broker.port)) as rig,
    ):
        rig.put(replace(event(1), payload="x" * 300))
        rig.put(event(2, "event/status/+/1"))
        rig.put(event(3))
        await mqtt.wait_for(EVENT)
        assert mqtt.history(EVENT) == [event(3).payload]
        assert (rig.counters["oversized"], rig.counters["unfit"]) == (1, 1)
        assert rig.state().reconnects == 0


async def test_meter_is_conflated_and_stands_retained() -> None:
    async with Broker() as broker, running(broker_at(broker.port)) as rig:
        await rig.connected()
        for number in range(1000):
            rig.put(Message("charger/cp01/connector/1/meter", f'{{"n":{number}}}', qos=0))
        async with Subscriber(broker.port) as mqtt:
            await mqtt.wait_for(METER, '{"n":999}'.__eq__)
            assert mqtt.history(METER) == ['{"n":999}']
            assert mqtt.messages[-1].qos == 0
        await broker.restart()
        async with Subscriber(broker.port) as mqtt:
            assert await mqtt.wait_for(METER) == '{"n":999}', "an empty broker gets it back"


@pytest.mark.parametrize(("quiet", "level"), [(False, logging.WARNING), (True, logging.INFO)])
async def test_what_is_lost_with_a_stop_is_told(quiet: bool, level: int) -> None:
    with Lines() as lines:
        async with running(broker_at(1), quiet=quiet) as rig:
            rig.put(event(1))
            rig.put(event(2))
            await rig.stop(OFFLINE)
    (lost,) = [record for record in lines.records if "lost with this stop" in record.getMessage()]
    assert (lost.levelno, lost.getMessage().split()[1]) == (level, "2")
