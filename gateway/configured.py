"""Settings to the plain values that the runtime and the adapters are given."""

from __future__ import annotations

import ssl

from gateway.adapters.charger_server import Listener
from gateway.adapters.tls import client_tls, server_tls
from gateway.adapters.upstream_client import UpstreamDialer
from gateway.core.door import Unknown
from gateway.core.policy import StationPolicy, UpstreamPolicy
from gateway.core.record import identity_key
from gateway.runtime.gate import HostGate
from gateway.runtime.directory import Configured, Directory
from gateway.runtime.wiring import Upstream
from gateway.settings import Charger, Settings
from gateway.settings import Upstream as UpstreamSettings


def base(settings: Settings) -> str:
    """The MQTT base topic."""
    return f"{settings.mqtt.root}/{settings.site.id}"


def listening(settings: Settings) -> list[tuple[str, bool]]:
    """Host of each listener, and whether it speaks TLS; in the order of `listeners`."""
    tls = settings.chargers.tls
    plain = [(address.host, False) for address in settings.chargers.listen]
    return plain + [(address.host, True) for address in (tls.listen if tls else ())]


def listeners(settings: Settings) -> list[Listener]:
    """Where chargers dial in. Raises TlsFilesUnusable."""
    found = [Listener(address.host, address.port) for address in settings.chargers.listen]
    tls = settings.chargers.tls
    if tls is not None:
        context = server_tls(tls.certificate, tls.key.path, tls.client_ca)
        found += [Listener(address.host, address.port, context) for address in tls.listen]
    return found


def upstreams(settings: Settings) -> dict[str, Upstream]:
    """How each upstream is dialled, should a charger be sent there; those on one host share its gate.

    Raises TlsFilesUnusable.
    """
    gates: dict[str, HostGate] = {}
    found = {}
    for upstream in settings.upstream:
        dialer = UpstreamDialer(
            upstream.url,
            max_frame=settings.chargers.max_frame,
            tls=_upstream_tls(upstream),
            local_address=upstream.local_address,
        )
        found[upstream.name] = Upstream(dialer, gates.setdefault(dialer.host, HostGate()))
    return found


def directory(settings: Settings) -> Directory:
    """Who may come in, and under which policy."""
    configured = {
        identity_key(charger.identity): Configured(charger.identity, _policy(settings, charger), charger.alias)
        for charger in settings.charger
    }
    return Directory(Unknown(settings.chargers.unknown), _policy(settings, None), configured)


def _policy(settings: Settings, charger: Charger | None) -> StationPolicy:
    idle_limit_s = settings.chargers.idle_limit.total_seconds()
    if charger is None:
        return StationPolicy(_upstream(settings.default_upstream), idle_limit_s=idle_limit_s)
    return StationPolicy(
        upstream=_upstream(settings.upstream_of(charger.identity)),
        name=charger.alias,
        password=charger.password.reveal() if charger.password else None,
        subprotocol=charger.subprotocol,
        pings=charger.pings,
        refresh=charger.refresh == "on",
        idle_limit_s=idle_limit_s,
    )


def _upstream(upstream: UpstreamSettings | None) -> UpstreamPolicy | None:
    if upstream is None:
        return None
    return UpstreamPolicy(
        name=upstream.name,
        refusal_grace_s=upstream.refusal_grace.total_seconds(),
        username=upstream.username,
        password=upstream.password.reveal() if upstream.password else None,
    )


def _upstream_tls(upstream: UpstreamSettings) -> ssl.SSLContext | None:
    if not upstream.tls:
        return None
    return client_tls(upstream.ca, upstream.certificate, upstream.key.path if upstream.key else None)
