"""Settings to the plain values that the runtime and the adapters are given.

A part that was lost, because its secret or certificate cannot be had, is never run without it: whoever knows says so.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.adapters.charger_server import Listener
from gateway.adapters.machine import digest
from gateway.adapters.mqtt_publisher import Broker
from gateway.adapters.systemd_sockets import PassedSocket
from gateway.adapters.tls import client_tls, server_tls
from gateway.adapters.upstream_client import UpstreamDialer
from gateway.core.door import Unknown
from gateway.core.facts import GatewayStatus
from gateway.core.listening import match
from gateway.core.message import Message
from gateway.core.policy import StationPolicy, UpstreamPolicy
from gateway.core.record import identity_key
from gateway.runtime.directory import Configured, Directory
from gateway.runtime.gate import HostGate
from gateway.runtime.wiring import Upstream
from gateway.settings import Charger, Part, Settings
from gateway.settings import Upstream as UpstreamSettings
from gateway.topics import Context, Numbers, render

Lacks = Callable[[Part, str], str | None]
"""Why a part of this kind and label cannot be had; None where it can."""


def nothing_lacks(_part: Part, _label: str) -> str | None:
    """Every part can be had."""
    return None


def base(settings: Settings) -> str:
    """The MQTT base topic."""
    return f"{settings.mqtt.root}/{settings.site.id}"


def availability(settings: Settings, *, online: bool) -> Message:
    """What stands on the gateway's own `status` topic."""
    [message] = render(GatewayStatus(online), Context(settings.site.id), Numbers())
    return message


def broker(settings: Settings) -> Broker:
    """The broker, with the password that it asks for. Raises TlsFilesUnusable."""
    mqtt = settings.mqtt
    tls = client_tls(mqtt.ca, mqtt.certificate, mqtt.key.path if mqtt.key else None) if mqtt.tls else None
    return Broker(
        host=mqtt.host,
        port=mqtt.port,
        client_id=f"evgate-{settings.site.id}-{digest()}",
        base=base(settings),
        birth=availability(settings, online=True),
        will=availability(settings, online=False),
        tls=tls,
        username=mqtt.username,
        password=mqtt.password.reveal() if mqtt.password else None,
    )


def listeners(settings: Settings, passed: Sequence[PassedSocket] = (), lacks: Lacks = nothing_lacks) -> list[Listener]:
    """Where chargers dial in; sockets that systemd passed serve the addresses that they match.

    One that serves several is one listener; with TLS or without, the other has to find an address of its own.
    Raises TlsFilesUnusable.
    """
    wanted = [Listener(address.host, address.port) for address in settings.chargers.listen]
    tls = settings.chargers.tls
    if tls is not None and lacks("chargers.tls", "") is None:
        context = server_tls(tls.certificate, tls.key.path, tls.client_ca)
        wanted += [Listener(address.host, address.port, context) for address in tls.listen]
    positions = match([(one.host, one.port) for one in wanted], [(one.host, one.port) for one in passed]).of
    found: list[Listener] = []
    serving: dict[int, Listener] = {}
    for listener, position in zip(wanted, positions, strict=True):
        if position is None or (position in serving and serving[position].tls is not listener.tls):
            rival = next((str(one) for one in passed if one.port == listener.port), None)
            found.append(replace(listener, rival=rival))
        elif position not in serving:
            one = passed[position]
            serving[position] = Listener(one.host, one.port, listener.tls, one.sock)
            found.append(serving[position])
    return found


def unused(listeners: Sequence[Listener], passed: Sequence[PassedSocket]) -> list[PassedSocket]:
    """Passed sockets that no listener serves: to be closed, or chargers would wait there for ever."""
    return [one for one in passed if all(listener.bound is not one.sock for listener in listeners)]


def upstreams(
    settings: Settings, lacks: Lacks = nothing_lacks, gates: dict[str, HostGate] | None = None
) -> dict[str, Upstream]:
    """How each upstream is dialled, should a charger be sent there; those on one host share its gate, of before too.

    Raises TlsFilesUnusable.
    """
    gates = {} if gates is None else gates
    found = {}
    for upstream in settings.upstream:
        if lacks("upstream", upstream.name) is not None:
            continue
        dialer = UpstreamDialer(
            upstream.url,
            max_frame=settings.chargers.max_frame,
            tls=_upstream_tls(upstream),
            local_address=upstream.local_address,
        )
        found[upstream.name] = Upstream(dialer, gates.setdefault(dialer.host, HostGate()))
    return found


def directory(settings: Settings, lacks: Lacks = nothing_lacks) -> Directory:
    """Who may come in, and under which policy."""
    configured = {
        identity_key(charger.identity): Configured(
            charger.identity,
            _policy(settings, charger, lacks),
            charger.alias,
            settings.origins.of(("charger", index)).file or "the configuration",
        )
        for index, charger in enumerate(settings.charger)
    }
    return Directory(Unknown(settings.chargers.unknown), _policy(settings, None, lacks), configured)


def _policy(settings: Settings, charger: Charger | None, lacks: Lacks) -> StationPolicy:
    idle_limit_s = settings.chargers.idle_limit.total_seconds()
    upstream = settings.default_upstream if charger is None else settings.upstream_of(charger.identity)
    lost = lacks("upstream", upstream.name) if upstream is not None else None
    if charger is None:
        return StationPolicy(_upstream(upstream, lost), idle_limit_s=idle_limit_s, unusable=lost)
    unusable = lacks("charger", charger.identity) or lost
    return StationPolicy(
        upstream=_upstream(upstream, lost),
        name=charger.alias,
        password=charger.password.reveal() if charger.password and unusable is None else None,
        subprotocol=charger.subprotocol,
        pings=charger.pings,
        refresh=charger.refresh == "on",
        quirks=charger.quirks,
        idle_limit_s=idle_limit_s,
        unusable=unusable,
    )


def _upstream(upstream: UpstreamSettings | None, lost: str | None) -> UpstreamPolicy | None:
    if upstream is None:
        return None
    return UpstreamPolicy(
        name=upstream.name,
        refusal_grace_s=upstream.refusal_grace.total_seconds(),
        username=upstream.username,
        password=upstream.password.reveal() if upstream.password and lost is None else None,
    )


def _upstream_tls(upstream: UpstreamSettings) -> ssl.SSLContext | None:
    if not upstream.tls:
        return None
    return client_tls(upstream.ca, upstream.certificate, upstream.key.path if upstream.key else None)
