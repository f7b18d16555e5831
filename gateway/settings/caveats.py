"""What is allowed, and yet likely to be a mistake or a risk."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from gateway.core.identity import LONGEST_STANDARD
from gateway.core.listening import Endpoint, match
from gateway.settings.addresses import host_of, is_loopback
from gateway.settings.models import Settings
from gateway.settings.problems import shown
from gateway.settings.resolve import sections
from gateway.settings.secret import KeyFile, Secret

FACTORY_NAMES = frozenset({"debian", "localhost", "raspberrypi"})
"""Host names that a second site is likely to have as well."""


def warnings(settings: Settings, passed: Sequence[Endpoint] = ()) -> list[str]:
    """Sentences for the log and `evgate check`; `passed` are the sockets that systemd opens for the service.

    It looks at the access rights of files that hold secrets.
    """
    found = [text for part in (_site, _chargers, _transport, _secrets) for text in part(settings)]
    return [*_low_ports(settings, passed), *found]


def _site(settings: Settings) -> Iterator[str]:
    if "id" not in settings.site.model_fields_set and settings.site.id in FACTORY_NAMES:
        yield f'site.id is the host name "{settings.site.id}", which other sites will have too; set an id'
    if settings.authorization.standalone == "list" and not settings.authorization.list:
        yield 'authorization.list is empty with standalone = "list": nobody can charge; add tags'


def _low_ports(settings: Settings, passed: Sequence[Endpoint]) -> Iterator[str]:
    addresses = settings.listen_addresses
    matching = match([address.endpoint for address in addresses], passed)
    for address, found in zip(addresses, matching.of, strict=True):
        if found is None and address.privileged:
            yield (
                f"port {address.port} can be opened by root only, and the daemon does not run as root; choose one "
                f"above 1023, or let systemd open it: `ListenStream={address}` in systemctl edit evgate.socket"
            )


def _chargers(settings: Settings) -> Iterator[str]:
    if not settings.charger and settings.chargers.unknown == "refuse":
        yield 'no [[charger]] is configured and others are refused; add each, or set chargers.unknown = "quarantine"'
    for charger in settings.charger:
        name = f"charger {shown(charger.identity)}"
        if ":" in charger.identity:
            yield f"{name}: with a colon in its identity it cannot use a password (HTTP Basic); rename it"
        if len(charger.identity) > LONGEST_STANDARD:
            yield f"{name}: its identity is longer than the 48 characters of OCPP 2.x; shorten it"


def _transport(settings: Settings) -> Iterator[str]:
    for upstream in settings.upstream:
        if not upstream.tls and not is_loopback(host_of(upstream.url)):
            yield (
                f"upstream {upstream.name}: ws:// is not encrypted, everybody on the way can read passwords "
                "and change commands; use wss:// if the operator offers it"
            )
        anyone = settings.chargers.unknown == "accept" or not all(charger.password for charger in settings.charger)
        if upstream.password is not None and anyone:
            yield (
                f"upstream {upstream.name} has a password of its own, so whoever reaches a listener with a charger's "
                "identity gets in; give each [[charger]] a password as well"
            )
        if "?" in upstream.url:
            yield f"upstream {upstream.name}: what follows ? in the url is logged elsewhere; keep secrets out"
    mqtt = settings.mqtt
    if mqtt.password is not None and not mqtt.tls and not is_loopback(mqtt.host):
        yield f"mqtt: the password goes to {mqtt.host} unencrypted; use mqtts:// if the broker offers it"


def _secrets(settings: Settings) -> Iterator[str]:
    told: set[Path] = set()
    for path, section in sections(settings):
        for key in type(section).model_fields:
            value = getattr(section, key)
            if isinstance(value, KeyFile) or (isinstance(value, Secret) and value.file is not None):
                file, what = value.file, "holds a secret"
            elif isinstance(value, Secret) and value.credential is None:
                origin = settings.origins.of((*path, key))
                file = Path(origin.file) if origin.file and origin.variable is None else None
                what = f"holds {settings.origins.key((*path, key))}"
            else:
                continue
            if file is not None and file not in told and _is_open(file):
                told.add(file)
                yield f"{file} {what} and every user may read it; give it to evgate's user and chmod 600 {file}"


def _is_open(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
        return stat.S_ISREG(mode) and bool(mode & stat.S_IROTH)
    except OSError:
        # Whether it is there at all is for `resolve` to say.
        return False
