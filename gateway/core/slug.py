"""Names that fit everywhere a topic goes: a charger's identity, or any text, as `[a-z0-9-]{1,48}`."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection
from itertools import count

LONGEST = 48
"""Characters; Home Assistant, Homie, Ignition and ioBroker all take this much of the alphabet above."""

HASH_DIGITS = 6
"""Hex digits of the suffix: short enough to read out, and two of them are equal once in 16 million."""

NOTHING_LEFT = "x"

_OTHER = re.compile(r"[^a-z0-9-]+")
_SLUG = re.compile(r"[a-z0-9-]{1,48}")


def is_slug(text: str) -> bool:
    """Whether this text can stand in a topic as it is."""
    return _SLUG.fullmatch(text) is not None


def reduced(raw: str) -> str:
    """What the alphabet leaves of a text, at most 48 characters. Several texts share it; it may be empty."""
    ascii_part = unicodedata.normalize("NFKD", raw).encode("ascii", "ignore").decode("ascii")
    return _OTHER.sub("-", ascii_part.lower()).strip("-")[:LONGEST].rstrip("-")


def slug(raw: str, taken: Collection[str] = ()) -> str:
    """The topic name of `raw`: its reduced form, marked with a hash where that lost anything but letter case.

    `taken` holds the names of others; none of them is returned. Equal arguments give equal names, yet whoever
    needs a name to stay keeps it, because `taken` changes.
    """
    plain = reduced(raw)
    # Beyond ASCII "letter case" is no safe notion: the Kelvin sign lower-cases to a plain k.
    if plain and plain == raw.lower() and raw.isascii() and plain not in taken:
        return plain
    stem = (plain or NOTHING_LEFT)[: LONGEST - HASH_DIGITS - 1].rstrip("-")
    names = (f"{stem}-{_digits(raw, attempt)}" for attempt in count())
    return next(name for name in names if name not in taken)


def _digits(raw: str, attempt: int) -> str:
    """The hash of `raw`; another one for each further attempt, should the first be taken."""
    salted = raw if attempt == 0 else f"{raw}\0{attempt}"
    return hashlib.sha256(salted.encode("utf-8", "surrogatepass")).hexdigest()[:HASH_DIGITS]
