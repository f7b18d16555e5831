"""What the daemon will do with a configuration, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.core.identity import upstream_url
from gateway.settings.addresses import Address
from gateway.settings.models import Settings
from gateway.settings.problems import shown
from gateway.settings.sections import Charger, Upstream
from gateway.settings.values import duration_text, size_text

EXAMPLE = "CP01"
"""The identity in examples where the configuration names none."""

_UNKNOWN = {
    "quarantine": "gets HTTP 404 and is quarantined, until `evgate charger adopt` lets it in",
    "accept": "is let in and relayed like the others",
    "refuse": "gets HTTP 404",
}


def plan(settings: Settings) -> list[str]:
    """One sentence for each thing the daemon will do."""
    return [
        *_site(settings),
        *_listeners(settings),
        *_chargers(settings),
        *_upstreams(settings),
        *_mqtt(settings),
        f"Durable state is kept in {settings.store.path}.",
        f"The log has everything from level {settings.log.level} up.",
    ]


def _site(settings: Settings) -> Iterator[str]:
    name = f" ({settings.site.name})" if settings.site.name else ""
    source = "" if "id" in settings.site.model_fields_set else ", after the host name"
    yield f"This is site {settings.site.id}{name}{source}."


def _listeners(settings: Settings) -> Iterator[str]:
    identity = settings.charger[0].identity if settings.charger else EXAMPLE
    for address in settings.chargers.listen:
        yield _listener("ws", address, identity)
    tls = settings.chargers.tls
    for address in tls.listen if tls else ():
        yield _listener("wss", address, identity)
    if tls:
        asked = f"must show one signed by {tls.client_ca}" if tls.client_ca else "need none of their own"
        yield f"On wss:// chargers see the certificate {tls.certificate} and {asked}."
    silence = duration_text(settings.chargers.idle_limit)
    yield f"A charger silent for {silence}, or for three heartbeats if that is longer, is disconnected."
    yield f"A frame over {size_text(settings.chargers.max_frame)} closes the connection it came on."


def _listener(scheme: str, address: Address, identity: str) -> str:
    port = str(address.port) if address.port else "<port>"
    host = str(address).rpartition(":")[0]
    place = f"{host}, port {port if address.port else 'any free one'}"
    if address.everywhere:
        place = f"every {'IPv6' if ':' in address.host else 'IPv4'} address, port {port}"
        host = "<this machine's address>"
    url = upstream_url(f"{scheme}://{host}:{port}", identity)
    return f"Chargers connect on {place}: {url} (any path may precede the identity, most chargers add that)."


def _chargers(settings: Settings) -> Iterator[str]:
    for charger in settings.charger:
        yield _charger(settings, charger)
    yield f"A charger without [[charger]] {_UNKNOWN[settings.chargers.unknown]}."


def _charger(settings: Settings, charger: Charger) -> str:
    upstream = settings.upstream_of(charger.identity)
    name = f"Charger {shown(charger.identity)}"
    alias = f", {charger.alias} in MQTT" if charger.alias else ""
    checked = ", must show its password here" if charger.password else ""
    if upstream is None:
        return f"{name}{alias}: gets HTTP 503, because there is no upstream for it."
    return (
        f"{name}{alias}{checked}: relayed to upstream {upstream.name} as {public(upstream.url_for(charger.identity))}."
    )


def _upstreams(settings: Settings) -> Iterator[str]:
    default = settings.default_upstream
    if default is None:
        yield "There is no [[upstream]] to relay to: every charger gets HTTP 503 in this version."
        return
    for upstream in settings.upstream:
        yield _upstream(upstream, upstream is default and len(settings.upstream) > 1)
    yield "Every charger runs strict_relay in this version: without its upstream it is disconnected as well."


def _upstream(upstream: Upstream, is_default: bool) -> str:
    if upstream.mode == "read_only":
        return f"Upstream {upstream.name}: not used in this version (read_only)."
    parts = [f"Upstream {upstream.name}: {public(upstream.url_for(EXAMPLE))} for a charger {EXAMPLE}"]
    if upstream.password is not None:
        user = "its identity" if upstream.username is None else upstream.username
        parts.append(f"the gateway logs in as {user} for every charger")
    else:
        parts.append("chargers' own passwords are passed on")
    if upstream.ca is not None:
        parts.append(f"only servers signed by {upstream.ca} are trusted")
    if upstream.certificate is not None:
        parts.append(f"the gateway shows the certificate {upstream.certificate}")
    if upstream.local_address is not None:
        parts.append(f"dialled from {upstream.local_address}")
    if is_default:
        parts.append("used for every charger that names no other")
    return "; ".join(parts) + "."


def public(url: str) -> str:
    """A URL without its query, which may hold a token."""
    path, mark, _ = url.partition("?")
    return f"{path}?..." if mark else path


def _mqtt(settings: Settings) -> Iterator[str]:
    mqtt = settings.mqtt
    base = f"{mqtt.root}/{settings.site.id}"
    where = f"{mqtt.host}:{mqtt.port}"
    how = ", encrypted" if mqtt.tls else ""
    who = f", as user {mqtt.username}" if mqtt.username else ""
    if settings.mqtt_given:
        yield f"State is published to the MQTT broker {where}{how}{who}, below {base}/."
    else:
        yield f"No [mqtt] is given: a broker on {where} is tried quietly, state is published below {base}/."
