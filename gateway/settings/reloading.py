"""What a running daemon takes over when it reloads, and what it can only begin with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.settings.models import Settings
from gateway.settings.schema import LISTS, header


@dataclass(frozen=True, slots=True)
class Sides:
    """The keys of a section: those taken over by a reload, and those that need a restart."""

    reload: frozenset[str] = frozenset()
    restart: frozenset[str] = frozenset()


def _keys(text: str) -> frozenset[str]:
    return frozenset(text.split())


SIDES: dict[str, Sides] = {
    # The site's name is the root of every topic, and the store holds the rows of everybody connected.
    "site": Sides(restart=_keys("id name clock")),
    "store": Sides(restart=_keys("path quota")),
    # Sockets are opened once, and the longest frame is a property of each.
    "chargers": Sides(reload=_keys("unknown idle_limit"), restart=_keys("listen max_frame tls")),
    # A charger with another name leaves MQTT under the old one and enters it again.
    "charger": Sides(
        reload=_keys("identity alias password outage upstream subprotocol quirks intercept refresh pings meters")
    ),
    "upstream": Sides(
        reload=_keys("name url local_address ca certificate key username password mode refusal_grace")
        | _keys("replay_rate replay_without_charger quirks")
    ),
    "authorization": Sides(
        reload=_keys("unknown_offline accept_unknown_offline cache_max_age standalone list"),
    ),
    # One connection for as long as the daemon lives: its will and its topics were agreed upon at its start.
    "mqtt": Sides(
        restart=_keys("url root username password ca certificate key discovery discovery_mode discovery_prefix")
        | _keys("commands allow default_tag id_tags")
    ),
    "bus": Sides(restart=_keys("id url baudrate parity stopbits")),
    "meter": Sides(restart=_keys("id bus unit profile invert phases interval")),
    "status_page": Sides(restart=_keys("listen")),
    "log": Sides(reload=_keys("level")),
}
"""Complete, by a test: a new key is put on one side. A list of tables has all its keys on the same side."""


def needs_restart(old: Settings, new: Settings) -> list[str]:
    """A sentence for each change that a running daemon cannot take over; both with their secrets read."""
    return [f"{key} has changed, which takes a restart: systemctl restart evgate" for key in _changed(old, new)]


def taken_over(old: Settings, new: Settings) -> Settings:
    """What the daemon runs with after a reload: `new`, but as in `old` what takes a restart."""
    kept = {name: _mixed(getattr(old, name), getattr(new, name), sides) for name, sides in SIDES.items()}
    # Whether a broker was asked for is part of what takes a restart; made by hand, because copies count as given.
    given = {name for name in SIDES if name in (new if SIDES[name].reload else old).model_fields_set}
    settings = Settings.model_construct(given, **kept)
    settings.remember(new.origins)
    return settings


def _changed(old: Settings, new: Settings) -> Iterator[str]:
    for name, sides in SIDES.items():
        before, after = getattr(old, name), getattr(new, name)
        if name in LISTS:
            if sides.restart and before != after:
                yield header(name)
            continue
        changed = [key for key in type(before).model_fields if getattr(before, key) != getattr(after, key)]
        yield from (f"{name}.{key}" for key in changed if key in sides.restart)
    if old.mqtt == new.mqtt and old.mqtt_given != new.mqtt_given:
        # The same broker, but one that was not asked for is tried quietly.
        yield "[mqtt]"


def _mixed(old: Any, new: Any, sides: Sides) -> Any:
    """A section, or a list of tables, as it is after a reload."""
    if not sides.restart:
        return new
    if not sides.reload:
        return old
    return new.model_copy(update={key: getattr(old, key) for key in sides.restart})
