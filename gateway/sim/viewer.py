"""The demo's MQTT client: everything below one topic, handed to the event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode


@contextlib.asynccontextmanager
async def viewer(port: int, topic: str, take: Callable[[str, bytes], None]) -> AsyncIterator[None]:
    """Subscribe to `topic/#` of the broker on this machine; `take(topic, payload)` runs in the event loop."""
    loop = asyncio.get_running_loop()
    subscribed = asyncio.Event()
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311)

    def on_connect(
        client: Client, _data: object, _flags: ConnectFlags, _code: ReasonCode, _properties: Properties | None
    ) -> None:
        client.subscribe(f"{topic}/#", qos=1)

    def on_subscribe(
        _client: Client, _data: object, _mid: int, _codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        _hand_over(subscribed.set)

    def on_message(_client: Client, _data: object, message: MQTTMessage) -> None:
        _hand_over(lambda: take(message.topic, bytes(message.payload)))

    def _hand_over(callback: Callable[[], None]) -> None:
        # The loop may be closed already when a last message comes.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(callback)

    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
    client.on_message = on_message
    await asyncio.to_thread(client.connect, "127.0.0.1", port)
    client.loop_start()
    try:
        # The broker runs on this machine and has just accepted a connection.
        async with asyncio.timeout(10.0):
            await subscribed.wait()
        yield
    finally:
        client.disconnect()
        await asyncio.to_thread(client.loop_stop)
