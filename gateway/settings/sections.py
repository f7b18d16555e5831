"""The sections of the configuration: a class a table, a field a key; `config/gateway.toml` explains them."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateway.core.identity import upstream_url
from gateway.core.slug import slug
from gateway.settings.addresses import (
    Address,
    BusUrl,
    Listen,
    LocalAddress,
    MqttUrl,
    UpstreamUrl,
    host_of,
    port_of,
)
from gateway.settings.secret import KeyFileValue, SecretValue
from gateway.settings.values import (
    CacheAge,
    Connector,
    FilePath,
    Flag,
    FrameLimit,
    Grace,
    Identity,
    IdleLimit,
    Name,
    PollInterval,
    Quota,
    Slug,
    Tag,
    Text,
    TopicRoot,
    fault,
)

DEFAULT_LISTEN = Address("0.0.0.0", 9000)
DEFAULT_TLS_LISTEN = Address("0.0.0.0", 9443)
DEFAULT_PAGE_LISTEN = Address("127.0.0.1", 8480)
DEFAULT_STORE = Path("/var/lib/evgate/evgate.db")

Subprotocol = Literal["ocpp1.6", "ocpp2.0.1", "ocpp2.1"]
OnOff = Literal["on", "off"]
Phase = Literal["L1", "L2", "L3"]
Action = Literal[
    "start",
    "stop",
    "charging",
    "limit",
    "availability",
    "unlock",
    "reset",
    "trigger",
    "config/get",
    "config/set",
    "firmware",
    "diagnostics",
    "call",
    "refresh",
    "log_level",
    "ocpp_log",
]


class Section(BaseModel):
    """A table of the configuration: nothing unknown in it, nothing changes afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def host_slug() -> str:
    """The name of this machine, without its domain, as a topic level."""
    return slug(socket.gethostname().partition(".")[0])


class Site(Section):
    """Which site this is."""

    id: Slug = Field(default_factory=host_slug)
    name: Text | None = None
    clock: Literal["auto", "trusted"] = "auto"


class Store(Section):
    """Where durable state lives."""

    path: FilePath = DEFAULT_STORE
    quota: Quota = 200_000_000


class ChargersTls(Section):
    """The listener for wss://."""

    listen: Listen = (DEFAULT_TLS_LISTEN,)
    certificate: FilePath
    key: KeyFileValue
    client_ca: FilePath | None = None


class Chargers(Section):
    """How chargers reach the gateway."""

    listen: Listen = (DEFAULT_LISTEN,)
    unknown: Literal["quarantine", "accept", "refuse"] = "quarantine"
    idle_limit: IdleLimit = timedelta(minutes=3)
    max_frame: FrameLimit = 2 * 2**20
    tls: ChargersTls | None = None


class Charger(Section):
    """What is special about one charger."""

    identity: Identity
    alias: Slug | None = None
    password: SecretValue | None = None
    outage: Literal["store_forward", "strict_relay"] = "store_forward"
    upstream: Name | None = None
    subprotocol: Subprotocol | None = None
    quirks: tuple[Text, ...] = ()
    intercept: OnOff = "on"
    refresh: OnOff = "on"
    pings: Flag = True
    meters: Mapping[Connector, Slug] = Field(default_factory=dict)


class TlsClient(Section):
    """What a TLS client needs: whom to trust, and who it is."""

    ca: FilePath | None = None
    certificate: FilePath | None = None
    key: KeyFileValue | None = None

    def _check_tls(self, tls: bool, secure: str) -> None:
        for name in ("ca", "certificate", "key"):
            if getattr(self, name) is not None and not tls:
                raise fault(f"{name} has no effect without TLS; use {secure} in the url, or remove {name}")
        if self.key is not None and self.certificate is None:
            raise fault("key is given without certificate; add the certificate that belongs to it")
        if self.certificate is not None and self.key is None:
            raise fault("certificate is given without key; add the private key that belongs to it")


class Upstream(TlsClient):
    """A CSMS to relay to."""

    name: Name
    url: UpstreamUrl
    local_address: LocalAddress | None = None
    username: Text | None = None
    password: SecretValue | None = None
    mode: Literal["primary", "read_only"] = "primary"
    refusal_grace: Grace = timedelta(hours=24)
    replay_rate: int = Field(default=50, strict=True, ge=0, le=1000)
    replay_without_charger: Flag = True
    quirks: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Upstream:
        self._check_tls(self.tls, "wss://")
        if self.username is not None and self.password is None:
            raise fault("username is only used together with password; add the password, or remove username")
        if self.username is not None and ":" in self.username:
            raise fault("username must not contain a colon: HTTP Basic ends the user name there")
        return self

    @property
    def tls(self) -> bool:
        """Whether the link is encrypted."""
        return self.url.startswith("wss:")

    @property
    def host(self) -> str:
        """`host:port`, the same for every upstream on that server."""
        return f"{host_of(self.url)}:{port_of(self.url)}"

    def url_for(self, identity: str) -> str:
        """Where to dial for this charger."""
        return upstream_url(self.url, identity)


class Authorization(Section):
    """Who may charge while nobody can be asked."""

    unknown_offline: Literal["reject", "accept"] = "reject"
    accept_unknown_offline: Flag = False
    cache_max_age: CacheAge = timedelta(days=7)
    standalone: Literal["accept", "list"] = "accept"
    list: tuple[Tag, ...] = ()


class Mqtt(TlsClient):
    """The broker, and what it is told."""

    url: MqttUrl = "mqtt://127.0.0.1:1883"
    root: TopicRoot = "evgate"
    username: Text | None = None
    password: SecretValue | None = None
    discovery: Flag = True
    discovery_mode: Literal["device", "component"] = "device"
    discovery_prefix: TopicRoot = "homeassistant"
    commands: Literal["auto", "on", "off"] = "auto"
    allow: tuple[Action, ...] = ("start", "stop", "limit", "availability", "trigger")
    default_tag: Tag | None = None
    id_tags: Literal["masked", "full", "hash", "none"] = "masked"

    @model_validator(mode="after")
    def _check(self) -> Mqtt:
        self._check_tls(self.tls, "mqtts://")
        if self.password is not None and self.username is None:
            raise fault("password is given without username; MQTT needs both, add username")
        return self

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.url.startswith("mqtts:")

    @property
    def host(self) -> str:
        """The broker's host, without brackets."""
        return host_of(self.url)

    @property
    def port(self) -> int:
        """The broker's port, the usual one if the URL names none."""
        return port_of(self.url) or 1883


class Bus(Section):
    """A Modbus line or host."""

    id: Slug
    url: BusUrl
    baudrate: int | None = Field(default=None, strict=True, ge=300, le=1_000_000)
    parity: Literal["N", "E", "O"] | None = None
    stopbits: Literal[1, 2] | None = None

    @model_validator(mode="after")
    def _check(self) -> Bus:
        for name in ("baudrate", "parity", "stopbits"):
            if getattr(self, name) is not None and not self.serial:
                raise fault(f"{name} is for serial:/dev/... only; the converter has its own, remove {name}")
        return self

    @property
    def serial(self) -> bool:
        """Whether it is a serial line of this machine."""
        return self.url.startswith("serial:")


class Meter(Section):
    """A Modbus energy meter."""

    id: Slug
    bus: Slug
    unit: int = Field(default=1, strict=True, ge=0, le=255)
    profile: Slug
    invert: Flag = False
    phases: tuple[Phase, ...] = Field(default=("L1", "L2", "L3"), min_length=1, max_length=3)
    interval: PollInterval | None = None

    @model_validator(mode="after")
    def _check(self) -> Meter:
        if len(set(self.phases)) != len(self.phases):
            raise fault('phases must name each phase once, such as ["L2", "L3", "L1"]')
        return self


class StatusPage(Section):
    """The read-only page for a browser."""

    listen: Listen = (DEFAULT_PAGE_LISTEN,)


class Log(Section):
    """What the log says."""

    level: Literal["debug", "info", "warning", "error"] = "info"
