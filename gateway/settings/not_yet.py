"""What the configuration may ask for and this version does not do. A part that is built loses its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from gateway.settings.models import Settings


@dataclass(frozen=True, slots=True)
class NotYet:
    """A key, the values with which nothing is missed, and what happens instead of what was asked for."""

    key: str
    instead: str
    harmless: tuple[object, ...] = ()


_SECTIONS = {
    "authorization": "upstream alone decides who may charge; without it no charger is served",
    "bus": "no Modbus line is opened",
    "meter": "no meter is read",
    "status_page": "no page is served",
}

_KEYS: dict[str, tuple[NotYet, ...]] = {
    "mqtt": (
        NotYet("discovery", "nothing is announced to Home Assistant", (False,)),
        NotYet("discovery_mode", "nothing is announced to Home Assistant"),
        NotYet("discovery_prefix", "nothing is announced to Home Assistant"),
        NotYet("commands", "no command is taken", ("off",)),
        NotYet("allow", "no command is taken", ((),)),
        NotYet("default_tag", "no command is taken"),
    ),
    "charger": (
        NotYet("outage", "every charger runs strict_relay", ("strict_relay",)),
        NotYet("intercept", "every command of upstream is relayed", ("off",)),
        NotYet("meters", "no meter is read", ({},)),
    ),
    "upstream": (
        NotYet("mode", "nothing is sent to a read-only upstream", ("primary",)),
        NotYet("replay_rate", "nothing is kept for later, so nothing is replayed"),
        NotYet("replay_without_charger", "nothing is kept for later, so nothing is replayed"),
        NotYet("quirks", "no deviation is corrected", ((),)),
    ),
}


def not_in_this_version(settings: Settings) -> list[str]:
    """A sentence for everything that is set and has no effect yet; for the log and `evgate check`."""
    return [
        *(
            f"{_header(settings, name)}: not in this version, {instead}"
            for name, instead in _SECTIONS.items()
            if name in settings.model_fields_set and getattr(settings, name) != ()
        ),
        *(text for name, rows in _KEYS.items() for text in _rows(settings, name, rows)),
    ]


def _rows(settings: Settings, name: str, rows: tuple[NotYet, ...]) -> Iterator[str]:
    value = getattr(settings, name)
    for index, section in enumerate(value if isinstance(value, tuple) else (value,)):
        path = (name, index) if isinstance(value, tuple) else (name,)
        for row in rows:
            if _asks(section, row):
                yield f"{settings.origins.key((*path, row.key))}: not in this version, {row.instead}"


def _asks(section: BaseModel, row: NotYet) -> bool:
    return row.key in section.model_fields_set and getattr(section, row.key) not in row.harmless


def _header(settings: Settings, name: str) -> str:
    return f"[[{name}]]" if isinstance(getattr(settings, name), tuple) else f"[{name}]"
