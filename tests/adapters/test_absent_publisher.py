"""A broker that must not be dialled: nothing is published, and the state says why."""

from __future__ import annotations

import asyncio

from gateway.adapters.mqtt_publisher import AbsentPublisher
from gateway.core.message import Message
from gateway.runtime.ports import Publisher
from tests.turns import one_turn

WHY = "nothing is published on MQTT: create /etc/evgate/mqtt.password, then run: systemctl restart evgate"


async def test_it_runs_until_it_is_cancelled_and_says_why_it_is_not_there() -> None:
    publisher: Publisher = AbsentPublisher("127.0.0.1:1883", WHY)
    running = asyncio.create_task(publisher.run())
    publisher.put(Message("status", "online", 1, True))
    await one_turn()
    await publisher.stop(Message("status", "offline", 1, True))
    state = publisher.state()
    assert (state.connected, state.protocol, state.broker, state.last_error) == (False, None, "127.0.0.1:1883", WHY)
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()
