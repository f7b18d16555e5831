"""Listen addresses and URLs: what is accepted, why not, and what is derived from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import BeforeValidator, PlainSerializer, PlainValidator

from gateway.core.identity import PLACEHOLDER
from gateway.core.listening import Endpoint
from gateway.settings.problems import listed, shown
from gateway.settings.values import fault, read_text

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?\.?")
_BRACKETED = re.compile(r"\[[0-9A-Fa-f:.]+\](:[0-9]+)?")
_PORTS = {"ws": 80, "wss": 443, "mqtt": 1883, "mqtts": 8883, "tcp": 502, "rtu+tcp": None}


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """An IP address, without brackets, and a TCP port of this machine; port 0 is any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def everywhere(self) -> bool:
        """Whether it stands for every address of the machine."""
        return ip_address(self.host).is_unspecified

    @property
    def privileged(self) -> bool:
        """Whether only root, such as systemd, may open it."""
        return 0 < self.port < 1024

    @property
    def endpoint(self) -> Endpoint:
        """The same as a plain pair."""
        return self.host, self.port


def read_address(value: object) -> Address:
    """`"0.0.0.0:9000"`, `"[::]:9000"`."""
    if isinstance(value, Address):
        return value
    if not isinstance(value, str):
        raise fault(f'must be "address:port" in quotes, such as "0.0.0.0:9000", not {shown(value)}')
    host, colon, port = value.rpartition(":")
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise fault(f'must be "address:port" with a port up to 65535, such as "0.0.0.0:9000", not {shown(value)}')
    bracketed = host.startswith("[") and host.endswith("]")
    try:
        parsed = ip_address(host[1:-1] if bracketed else host)
    except ValueError:
        hint = f'"127.0.0.1:{port}"' if host == "localhost" else f'"0.0.0.0:{port}" for every IPv4 address'
        raise fault(f"needs an IP address of this machine before the port; write {hint}") from None
    if isinstance(parsed, IPv6Address) is not bracketed:
        raise fault(f'must have brackets around an IPv6 address only: "[::]:9000", not {shown(value)}')
    return Address(str(parsed), int(port))


def read_addresses(value: object) -> tuple[Address, ...]:
    """One address, or a list of them."""
    if not isinstance(value, (list, tuple)):
        return (read_address(value),)
    return tuple(read_address(item) for item in value)


def read_local_address(value: object) -> str:
    """An IP address of this machine, without a port."""
    text = read_text(value)
    try:
        return str(ip_address(text))
    except ValueError:
        raise fault(f'must be an IP address of this machine, such as "192.0.2.7", not {shown(text)}') from None


def read_upstream_url(value: object) -> str:
    """`ws://` or `wss://`, with or without `{identity}`, no credentials, no fragment."""
    text = read_text(value)
    if text.startswith(("http://", "https://")):
        scheme = "wss" if text.startswith("https") else "ws"
        raise fault(f"must begin with ws:// or wss://; ask the operator for the OCPP address, often {scheme}://...")
    url = _split(text, ("wss", "ws"))
    if url.fragment or text.endswith("#"):
        raise fault("must not contain #...: that part of a URL is never sent; remove it")
    held = text.count(PLACEHOLDER)
    braces = text.replace(PLACEHOLDER, "")
    if "{" in braces or "}" in braces or held > 1:
        raise fault(f"may hold {PLACEHOLDER} once and no other braces; the charger's identity is put there")
    if not held and (url.query or text.endswith("?")):
        raise fault(f"has a query (?...), so say where the identity goes: put {PLACEHOLDER} into the URL")
    return text


def read_mqtt_url(value: object) -> str:
    """`mqtt://host:port` or `mqtts://host:port`."""
    text = read_text(value)
    url = _split(text, ("mqtt", "mqtts"))
    if url.path not in ("", "/") or url.query or url.fragment or text.endswith(("?", "#")):
        raise fault("is the broker's address alone; the topic is set with `root`, remove what follows the port")
    return text


def read_bus_url(value: object) -> str:
    """`tcp://host:port`, `rtu+tcp://host:port` or `serial:/dev/...`."""
    text = read_text(value)
    if text.startswith("serial:"):
        if not text.startswith("serial:/") or text.startswith("serial://"):
            raise fault(f'must name a device, such as "serial:/dev/serial/by-id/usb-...", not {shown(text)}')
        return text
    url = _split(text, ("tcp", "rtu+tcp", "serial"))
    if url.path or url.query or url.fragment or text.endswith(("?", "#")):
        raise fault("must end with the port; remove what follows it")
    if url.scheme == "rtu+tcp" and url.port is None:
        raise fault("needs the port of the serial converter: rtu+tcp://host:port")
    return text


def host_of(url: str) -> str:
    """The host of an accepted URL, lower-case, without brackets."""
    return urlsplit(url).hostname or ""


def is_loopback(host: str) -> bool:
    """Whether this host is the machine itself."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def port_of(url: str) -> int | None:
    """The port of an accepted URL, or the usual one of its scheme."""
    parts = urlsplit(url)
    return parts.port if parts.port is not None else _PORTS.get(parts.scheme)


def _split(text: str, schemes: tuple[str, ...]) -> SplitResult:
    """The parts of a URL with a host; says what is wrong without repeating credentials."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in schemes:
        raise fault(f"must begin with {listed([_written(name) for name in schemes], 'or')}")
    if "@" in re.split(r"[/?#]", rest)[0]:
        raise fault("must not contain a user name or password: URLs are logged; use `username` and `password`")
    if not text.isascii() or " " in text or "\\" in text:
        raise fault("must be plain ASCII without spaces; write other characters percent-encoded")
    try:
        url = urlsplit(text)
        host, port = url.hostname or "", url.port
    except ValueError:
        raise fault("has no valid host and port; write host:port, and brackets around an IPv6 address") from None
    if port == 0 or url.netloc.endswith(":"):
        raise fault("needs a port between 1 and 65535 after the colon, or no colon")
    if not (_HOST.fullmatch(host) or _BRACKETED.fullmatch(url.netloc)):
        if PLACEHOLDER in url.netloc:
            raise fault(f"may hold {PLACEHOLDER} in its path only, not in the name of the host")
        raise fault(f"has no valid host name: {shown(host)}")
    return url


def _written(scheme: str) -> str:
    return "serial:/" if scheme == "serial" else f"{scheme}://"


Listen = Annotated[
    tuple[Address, ...],
    PlainValidator(read_addresses),
    PlainSerializer(lambda addresses: [str(address) for address in addresses]),
]
LocalAddress = Annotated[str, BeforeValidator(read_local_address)]
UpstreamUrl = Annotated[str, BeforeValidator(read_upstream_url)]
MqttUrl = Annotated[str, BeforeValidator(read_mqtt_url)]
BusUrl = Annotated[str, BeforeValidator(read_bus_url)]
