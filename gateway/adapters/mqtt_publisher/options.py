"""Plain values that the publisher is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from ssl import SSLContext

from gateway.core.message import Message


@dataclass(frozen=True, slots=True)
class Broker:
    """Where to connect, as whom, and the base under which every topic stands.

    `birth` and `will` are the two messages of the gateway's availability topic.
    """

    host: str
    port: int
    client_id: str
    base: str
    birth: Message
    will: Message
    tls: SSLContext | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """host:port, for people."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Pace:
    """Every span of time and limit of the connection; tests shorten them."""

    connect_s: float = 10.0
    """Name lookup, TCP and TLS together: an LTE modem that wakes up needs a few seconds of it."""

    answer_s: float = 5.0
    """From CONNECT to CONNACK. Short: some brokers without MQTT 5 take its CONNECT for half a packet and wait."""

    keepalive_s: int = 30
    """A dead broker is noticed within twice this; 60 s would be too slow for faults."""

    watch_s: float = 1.0
    """How often the keepalive and the watchdog look: well below the smallest useful keepalive."""

    acknowledge_s: float = 60.0
    """A broker that does not acknowledge for so long is stuck, even if it still answers pings."""

    retry_base_s: float = 1.0
    retry_cap_s: float = 60.0
    """Full jitter between these; a restarted broker is found again within a minute."""

    refused_s: float = 60.0
    """After bad credentials: nobody corrects them faster, and brokers ban those who hammer."""

    short_life_s: float = 5.0
    """A connection that ends sooner counts as a failure: two clients with one id would throw each other off."""

    denied_s: float = 300.0
    """Until a message that the broker turned down is tried again: somebody has to change its rules first."""

    downgrade_s: float = 86_400.0
    """How long MQTT 5 is left alone where only 3.1.1 worked; by then the broker may have been updated."""

    will_delay_s: int = 15
    """MQTT 5: a reconnect within this time is no outage worth telling."""

    session_s: int = 60
    """MQTT 5: longer than the will's delay, which is cut to it otherwise."""

    flush_s: float = 2.0
    """At the end: systemd's stop, the legs and the store share 5 s."""

    flush_events_s: float = 1.5
    """Of these for events that wait: the rest is for `offline` and the goodbye, which every consumer needs."""

    late_s: float = 5.0
    """An event that waited longer says so: whoever acts on it must know that it is old. Below it is the network."""

    events_per_s: int = 200
    """So that the backlog of a day does not keep live state and the broker's other clients waiting."""

    events_held: int = 10_000
    """Events that wait for the broker: days of a busy site, and 15 MB at their usual 1.5 kB."""

    events_size: int = 20_000_000
    """Characters of these events at most: a tenth of what the service may use, whatever chargers say of themselves."""

    window: int = 20
    """Messages on their way at once; Mosquitto's receive maximum, and more gains nothing."""

    largest: int = 131_072
    """Bytes of one packet, where the broker names no smaller limit."""
