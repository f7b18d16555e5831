"""An MQTT subscriber that a test can wait on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from tests.counts import PATIENCE_S


@dataclass(frozen=True)
class Received:
    """One message as it came in. `retain` tells that it stood on the broker before the subscription."""

    topic: str
    payload: str
    qos: int
    retain: bool


class Subscriber:
    """`async with Subscriber(port) as mqtt`: subscribed to everything; returns after a broker's restart."""

    def __init__(
        self,
        port: int,
        topics: Sequence[str] = ("#",),
        *,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        self.messages: list[Received] = []
        self.latest: dict[str, str] = {}
        self._port = port
        self._topics = topics
        self._loop = asyncio.get_running_loop()
        self._subscribed = asyncio.Event()
        self._news = asyncio.Condition()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.reconnect_delay_set(1, 1)
        self._client.username_pw_set(username, password)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    async def __aenter__(self) -> Self:
        self._client.connect_async("127.0.0.1", self._port)
        self._client.loop_start()
        async with asyncio.timeout(PATIENCE_S):
            await self._subscribed.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    async def wait_for(
        self, topic: str, predicate: Callable[[str], bool] = lambda _: True, timeout: float = PATIENCE_S
    ) -> str:
        """The payload that stands on this topic, or the next to come, for which the predicate holds."""
        seen = len(self.messages)
        if topic in self.latest and predicate(self.latest[topic]):
            return self.latest[topic]
        try:
            async with asyncio.timeout(timeout), self._news:
                while True:
                    for message in self.messages[seen:]:
                        if message.topic == topic and predicate(message.payload):
                            return message.payload
                    seen = len(self.messages)
                    await self._news.wait()
        except TimeoutError:
            history = [message.payload for message in self.messages if message.topic == topic]
            raise AssertionError(f"{topic} never showed what was waited for; it showed {history}") from None

    async def wait_json(
        self, topic: str, predicate: Callable[[Any], bool] = lambda _: True, timeout: float = PATIENCE_S
    ) -> Any:
        """The same with parsed payloads; a payload that is no JSON fails the test."""
        return json.loads(await self.wait_for(topic, lambda payload: predicate(json.loads(payload)), timeout))

    async def wait_until(self, holds: Callable[[], bool], what: str, timeout: float = PATIENCE_S) -> None:
        """Return once this holds; it is asked again at every message."""
        try:
            async with asyncio.timeout(timeout), self._news:
                await self._news.wait_for(holds)
        except TimeoutError:
            raise AssertionError(f"within {timeout:g} s of MQTT it was not so that {what}") from None

    def history(self, topic: str) -> list[str]:
        """Every payload that came on this topic, in order."""
        return [message.payload for message in self.messages if message.topic == topic]

    def publish(self, topic: str, payload: str, *, qos: int = 1, retain: bool = False) -> None:
        """Publish something, to command the gateway or to spoil its topics."""
        self._client.publish(topic, payload, qos, retain)

    def _on_connect(
        self, client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if not reason.is_failure:
            client.subscribe([(topic, 1) for topic in self._topics])

    def _on_subscribe(
        self, _client: Client, _data: Any, _mid: int, _reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._subscribed.set)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        received = Received(message.topic, message.payload.decode(), message.qos, message.retain)
        asyncio.run_coroutine_threadsafe(self._take(received), self._loop)

    async def _take(self, received: Received) -> None:
        async with self._news:
            self.messages.append(received)
            self.latest[received.topic] = received.payload
            self._news.notify_all()
