"""One connection to a broker: one paho client, from CONNECT to its end, driven by the asyncio loop.

paho's own reconnect, queue and thread are not used. A client that lost its connection is thrown away with all that it
still held; what it did not get acknowledged is the publisher's business.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.adapters.mqtt_publisher.client import connect, make_client
from gateway.adapters.mqtt_publisher.failures import Refused, Unanswered, unreachable
from gateway.adapters.mqtt_publisher.options import Broker, Pace
from gateway.core.message import Message

log = logging.getLogger(__name__)

READS_AT_ONCE = 200
"""Packets taken before other tasks get a turn; TLS may hold several in one record, which no poll reports."""

PACKET_OVERHEAD = 10
"""Bytes of a PUBLISH beside topic and payload: header and length 5, two lengths of text 2, id 2, no properties 1."""

UNSPECIFIED = 0x80
UNSUPPORTED_VERSION = 0x84
CREDENTIALS = (0x86, 0x87)  # bad user name or password, not authorized; paho translates those of 3.1.1 to these


@dataclass(slots=True)
class _Sent:
    message: Message
    answered: Callable[[ReasonCode], None]
    at: float


class Connection:
    """Made for one attempt."""

    def __init__(self, broker: Broker, pace: Pace, level: int) -> None:
        self.level = level
        self.window = pace.window
        self.largest = pace.largest
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Done when the connection is gone; the result says why."""
        self._loop = asyncio.get_running_loop()
        self._broker = broker
        self._pace = pace
        self._client = make_client(broker, pace, level)
        self._departed = False
        self._landed = False
        self._dialled: asyncio.Future[Exception | None] = self._loop.create_future()
        self._greeted: asyncio.Future[ReasonCode | None] = self._loop.create_future()
        self._keepalive_s: float = pace.keepalive_s
        self._best_qos = 1
        self._in_flight: dict[int, _Sent] = {}
        self._heard_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    # ------------------------------------------------------------------------------------------------------- opening

    async def open(self) -> None:
        """CONNECT and wait for the broker's yes. Raises Unreachable, Unanswered or Refused; `close` it then, too."""
        name = self._broker.name
        try:
            async with asyncio.timeout(self._pace.connect_s):
                self._dial()
                failure = await self._dialled
        except TimeoutError as error:
            failure = error
        if failure is not None:
            raise unreachable(name, failure) from failure
        self._attach()
        try:
            async with asyncio.timeout(self._pace.answer_s):
                reason = await self._greeted
        except TimeoutError as error:
            text = f"{name} takes connections but says nothing; check that [mqtt] url names an MQTT port"
            raise Unanswered(text) from error
        if reason is None:
            text = f"{name} hung up before it answered; check that [mqtt] url names an MQTT port (TLS needs mqtts://)"
            raise Unanswered(text)
        if reason.is_failure:
            then = "check [mqtt] username and password" if reason.value in CREDENTIALS else "see the broker's log"
            text = f"{name} refused the connection: {reason}; {then}"
            raise Refused(text, unsupported=reason.value == UNSUPPORTED_VERSION)

    @property
    def dialling(self) -> bool:
        """Whether a thread still waits for a name lookup, which nobody can interrupt."""
        return self._departed and not self._landed

    def _dial(self) -> None:
        """Look up, connect and send CONNECT on a thread: paho blocks there, for a name lookup without limit.

        A daemon thread, because the process must not wait for it at its end. No socket hook is set yet, so paho
        writes CONNECT by itself and nothing but the result crosses threads.
        """
        self._departed = True
        threading.Thread(target=self._connect, name="mqtt-connect", daemon=True).start()

    def _connect(self) -> None:
        failure: Exception | None = None
        try:
            connect(self._client, self._broker, self._pace)
        except (OSError, ValueError) as error:
            failure = error
        try:
            self._loop.call_soon_threadsafe(self._settle, failure)
        except RuntimeError:  # the loop was closed meanwhile, so nobody waits for this any more
            self._drop_socket()

    def _settle(self, failure: Exception | None) -> None:
        self._landed = True
        if self._dialled.done():  # given up meanwhile
            self._drop_socket()
        else:
            self._dialled.set_result(failure)

    def _attach(self) -> None:
        sock = self._client.socket()
        assert sock is not None
        self._client.on_socket_register_write = self._on_writes_waiting
        self._client.on_socket_unregister_write = self._on_writes_done
        self._client.on_socket_close = self._on_socket_close
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._loop.add_reader(sock, self._readable)
        if self._client.want_write():
            self._loop.add_writer(sock, self._writable)
        self._watch()

    # ---------------------------------------------------------------------------------------------------- publishing

    @property
    def in_flight(self) -> list[Message]:
        """What was sent and not answered, oldest first."""
        return [sent.message for sent in self._in_flight.values()]

    def has_room(self) -> bool:
        """Whether another message may be on its way."""
        return not self.ended.done() and len(self._in_flight) < self.window

    def size(self, message: Message) -> int:
        """Bytes that this message takes on the wire, at most."""
        return len(f"{self._broker.base}/{message.topic}{message.payload}".encode()) + PACKET_OVERHEAD

    def publish(self, message: Message, answered: Callable[[ReasonCode], None]) -> None:
        """Send now; `answered` is called with the broker's answer, or when a message of QoS 0 is written.

        Raises ValueError for a topic or payload that MQTT cannot carry.
        """
        qos = min(message.qos, self._best_qos)
        info = self._client.publish(f"{self._broker.base}/{message.topic}", message.payload, qos, message.retain)
        # A client without a socket answers with an error; the connection has ended then, and this counts as unsent.
        self._in_flight[info.mid] = _Sent(message, answered, self._loop.time())

    def disconnect(self) -> None:
        """Say goodbye: the broker will not publish the will. `ended` is done when it is said."""
        if not self.ended.done():
            self._guarded(self._client.disconnect)

    def close(self, reason: str) -> None:
        """Let go of the socket as it is, at any stage: the broker publishes the will."""
        if not self._dialled.done():
            self._dialled.set_result(ConnectionAbortedError(reason))
        self._client.on_socket_close = None
        self._client.on_socket_unregister_write = None
        self._client.on_disconnect = None
        if self._landed:
            self._drop_socket()
        self._end(reason)

    # ------------------------------------------------------------------------------------------------ the loop's side

    def _readable(self) -> None:
        if self.ended.done():
            return
        self._heard_at = self._loop.time()
        for _ in range(READS_AT_ONCE):
            self._guarded(self._client.loop_read)
            sock = self._client.socket()
            if not isinstance(sock, ssl.SSLSocket) or not sock.pending():
                return
        self._loop.call_soon(self._readable)

    def _writable(self) -> None:
        self._guarded(self._client.loop_write)

    def _watch(self) -> None:
        """Once a second: let paho ping, and drop a socket that is dead although nobody said so."""
        self._timer = self._loop.call_later(self._pace.watch_s, self._watch)
        self._guarded(self._client.loop_misc)
        now = self._loop.time()
        oldest = next(iter(self._in_flight.values()), None)
        if self._keepalive_s and now - self._heard_at > 2 * self._keepalive_s:
            self.close("nothing heard from the broker")
        elif oldest is not None and now - oldest.at > self._pace.acknowledge_s:
            self.close("the broker stopped acknowledging")

    def _guarded(self, step: Callable[[], MQTTErrorCode]) -> None:
        """Run one of paho's steps; whatever it or a callback stumbles over costs this connection and nothing else."""
        try:
            step()
        except Exception:
            log.exception("MQTT: an error of our own ends the connection to %s; please report it", self._broker.name)
            self.close("an error of the gateway's own")

    # ------------------------------------------------------------------------------------------------- paho's callbacks

    def _on_writes_waiting(self, _client: Client, _data: Any, sock: Any) -> None:
        self._loop.add_writer(sock, self._writable)

    def _on_writes_done(self, _client: Client, _data: Any, sock: Any) -> None:
        self._loop.remove_writer(sock)

    def _on_socket_close(self, _client: Client, _data: Any, sock: Any) -> None:
        self._forget(sock)

    def _on_connect(
        self, _client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self._keepalive_s = getattr(properties, "ServerKeepAlive", self._keepalive_s)
        self._best_qos = getattr(properties, "MaximumQoS", self._best_qos)
        self.window = max(1, min(self.window, getattr(properties, "ReceiveMaximum", self.window)))
        self.largest = min(self.largest, getattr(properties, "MaximumPacketSize", self.largest))
        if not self._greeted.done():
            self._greeted.set_result(reason)

    def _on_disconnect(
        self, _client: Client, _data: Any, flags: DisconnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            self._end(f"the broker ended it: {reason}")
        elif reason.value == UNSPECIFIED:
            self._end("the broker closed the connection")
        else:
            self._end(str(reason))

    def _on_publish(
        self, _client: Client, _data: Any, mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._in_flight.pop(mid).answered(reason)

    # ----------------------------------------------------------------------------------------------------------- end

    def _end(self, reason: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._greeted.done():
            self._greeted.set_result(None)
        if not self.ended.done():
            self.ended.set_result(reason)

    def _forget(self, sock: Any) -> None:
        self._loop.remove_reader(sock)
        self._loop.remove_writer(sock)

    def _drop_socket(self) -> None:
        sock = self._client.socket()
        if sock is not None and sock.fileno() >= 0:
            if not self._loop.is_closed():
                self._forget(sock)
            sock.close()
