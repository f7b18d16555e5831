"""Who a charger says it is: the last segment of its URL (OCPP-J 1.6, 3.1.1), and how upstream hears it."""

from __future__ import annotations

import shlex
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from gateway.core.redact import excerpt

LONGEST_STANDARD = 48
"""Characters that OCPP 2.x allows; 1.6 sets no limit, so more is said and not refused."""

LONGEST = 255
"""Characters. Longer is no name but a mistake or an attack, and it would stand in every log line."""

PLACEHOLDER = "{identity}"
"""Where an upstream's URL wants the identity; without it, the end of the path."""

_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})
"""Unicode categories that forge log lines or make two identities look alike: control, format, line ends."""

_DOTS = frozenset({".", ".."})
"""Servers resolve these away: towards upstream they would name another path."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A usable identity, percent-decoded."""

    text: str


@dataclass(frozen=True, slots=True)
class BadTarget:
    """A request target without a usable identity; `missing`: it has none at all."""

    reason: str
    missing: bool = False


def read_identity(path: str) -> Identity | BadTarget:
    """The identity in a request target: last non-empty segment, percent-decoded once, `+` left as it is."""
    segment = _last_segment(path)
    if not segment:
        reason = "the charger's URL has no identity: append / and the charger's identity to the URL set in it"
        return BadTarget(reason, missing=True)
    try:
        text = unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError:
        return _unusable(segment, "is not UTF-8 once percent-decoded")
    if len(text) > LONGEST:
        return _unusable(segment, f"has {len(text)} characters and {LONGEST} are the limit")
    if text in _DOTS:
        return _unusable(segment, "is a step in a path and no name")
    if "/" in text:
        return _unusable(segment, "holds a percent-encoded slash")
    if any(unicodedata.category(char) in _UNSEEN for char in text):
        return _unusable(segment, "holds control or invisible characters")
    return Identity(text)


def length_warning(identity: str) -> str | None:
    """What to say of an identity that is longer than OCPP 2.x allows, None if it is not."""
    if len(identity) <= LONGEST_STANDARD:
        return None
    return (
        f"the identity has {len(identity)} characters, OCPP 2.x allows {LONGEST_STANDARD}: "
        "choose a shorter one if the CSMS refuses it"
    )


def quote_identity(identity: str) -> str:
    """The identity as one URL segment, all but unreserved characters percent-encoded (OCPP-J 2.1, 3.1.1)."""
    return quote(identity, safe="")


def typed(identity: str) -> str:
    """The identity behind a command: quoted for the shell, and never taken for an option."""
    return f"-- {shlex.quote(identity)}" if identity.startswith("-") else shlex.quote(identity)


def adopt_hint(identity: str) -> str:
    """How this stranger is let in."""
    return f"let it in with: evgate charger adopt {typed(identity)}"


def upstream_url(template: str, identity: str) -> str:
    """Where upstream awaits this charger: `{identity}` replaced, or the identity appended to the path."""
    segment = quote_identity(identity)
    if PLACEHOLDER in template:
        return template.replace(PLACEHOLDER, segment)
    path, question, query = template.partition("?")
    return f"{path.rstrip('/')}/{segment}{question}{query}"


def _last_segment(path: str) -> str:
    target = path.partition("#")[0].partition("?")[0]
    if not target.startswith("/") and "://" in target:
        # Absolute form (RFC 9112, 3.2.2), as sent to proxies: scheme and host are no identity.
        target = target.partition("://")[2].partition("/")[2]
    return target.rstrip("/").rpartition("/")[2]


def _unusable(segment: str, flaw: str) -> BadTarget:
    return BadTarget(f"the identity {excerpt(segment, 64)} {flaw}: set another identity in the charger")
