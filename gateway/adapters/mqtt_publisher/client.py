"""The paho client of one connection: how it is made, and the blocking part of its beginning."""

from __future__ import annotations

import ssl

from paho.mqtt.client import Client, error_string
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.adapters.mqtt_publisher.options import Broker, Pace


class _TlsSocket(ssl.SSLSocket):
    """Closes itself when the handshake fails; paho only forgets it, and it would stay open for long."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except (OSError, ValueError):
            self.close()
            raise


def make_client(broker: Broker, pace: Pace, level: int) -> Client:
    """A client for one connection with protocol level 5, or 4 (MQTT 3.1.1), with the will and credentials set."""
    client = Client(
        CallbackAPIVersion.VERSION2,
        broker.client_id,
        protocol=MQTTProtocolVersion(level),
        reconnect_on_failure=False,
    )
    client.connect_timeout = pace.connect_s
    client.max_inflight_messages_set(0)  # the window is ours; paho's would hold messages back a second time
    if broker.username is not None:
        client.username_pw_set(broker.username, broker.password)
    if broker.tls is not None:
        broker.tls.sslsocket_class = _TlsSocket
        client.tls_set_context(broker.tls)
        # A context that does not check host names makes paho check them, with a function that Python dropped.
        client.tls_insecure_set(not broker.tls.check_hostname)
    properties = None
    if client.protocol == MQTTProtocolVersion.MQTTv5:
        properties = _properties(PacketTypes.WILLMESSAGE, WillDelayInterval=pace.will_delay_s)
    will = broker.will
    client.will_set(f"{broker.base}/{will.topic}", will.payload, will.qos, will.retain, properties)
    return client


def connect(client: Client, broker: Broker, pace: Pace) -> None:
    """Look up, connect and send CONNECT. Blocks, for a name lookup without limit. Raises OSError or ValueError."""
    if client.protocol == MQTTProtocolVersion.MQTTv5:
        properties = _properties(PacketTypes.CONNECT, SessionExpiryInterval=pace.session_s)
        # A clean start would end the session before, and publish its will although we are back in time.
        code = client.connect(broker.host, broker.port, pace.keepalive_s, clean_start=False, properties=properties)
    else:
        code = client.connect(broker.host, broker.port, pace.keepalive_s)
    if code is not MQTTErrorCode.MQTT_ERR_SUCCESS:
        raise ConnectionError(error_string(code))


def _properties(packet_type: int, **values: int) -> Properties:
    properties = Properties(packet_type)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(properties, name, value)
    return properties
