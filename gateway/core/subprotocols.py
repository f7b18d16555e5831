"""Which OCPP version is spoken: what the charger offered, and what upstream is asked (OCPP-J 1.6, 3.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

SUPPORTED: Final = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")

ASSUMED: Final = "ocpp1.6"
"""What a charger speaks that offers nothing: only 1.6 firmware is known to leave the header out."""

MOST_OFFERED = 32
"""More names than OCPP ever had versions; beyond it the header is noise that nobody has to keep."""

_TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_SEPARATORS = re.compile(r"[,;\s]+")


def read_offer(headers: Iterable[str]) -> tuple[str, ...]:
    """The names in all `Sec-WebSocket-Protocol` headers, in the charger's order and spelling, each once.

    Firmware sends leading commas, empty entries, quotes, spaces for commas: what is no token is left out.
    """
    names = (name.strip('"') for value in headers for name in _SEPARATORS.split(value))
    return tuple(dict.fromkeys(name for name in names if _TOKEN.fullmatch(name)))[:MOST_OFFERED]


def version_of(subprotocol: str) -> str | None:
    """The supported subprotocol that this spelling means, None if it means none."""
    lowered = subprotocol.lower()
    return lowered if lowered in SUPPORTED else None


def proposal(offered: tuple[str, ...], pinned: str | None = None) -> tuple[str, ...]:
    """What to offer upstream: of the charger's names the supported ones, in its order and spelling.

    Empty if none fits. A charger that offers nothing is taken to speak 1.6, or what is pinned; with `pinned`
    only that version counts.
    """
    if not offered:
        return (pinned or ASSUMED,)
    wanted = SUPPORTED if pinned is None else (pinned.lower(),)
    fitting: dict[str, str] = {}
    for name in offered:
        version = version_of(name)
        if version is not None and version in wanted:
            fitting.setdefault(version, name)
    return tuple(fitting.values())
