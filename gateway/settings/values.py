"""The simple types of configuration values: what they accept, and the sentence when they do not."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from gateway.core.identity import LONGEST
from gateway.core.slug import is_slug, reduced
from gateway.settings.problems import shown

FAULT = "evgate"
"""The error type under which our own sentences travel through pydantic."""

_DURATION = re.compile(r"([0-9]{1,8}(?:\.[0-9]{1,3})?)(s|m|h|d)")
_DURATION_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_SIZE = re.compile(r"([0-9]{1,12}) ?([kKMG]?B|[KMG]iB)")
_SIZE_UNITS = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,47}")
_CONNECTOR = re.compile(r"[0-9]{1,9}(-[0-9]{1,9})?")


def fault(text: str) -> PydanticCustomError:
    """The exception that a validator raises: `text` says what is wrong and what to write instead."""
    return PydanticCustomError(FAULT, "{text}", {"text": text})


def read_text(value: object) -> str:
    """A non-empty text on one line, without spaces around it."""
    if not isinstance(value, str):
        raise fault(f"must be text, not {shown(value)}; put it in quotes")
    if not value.strip():
        raise fault("is empty; write a value, or remove the line")
    if not value.isprintable():
        raise fault(f"must be one line of printable text, not {shown(value)}; remove the special characters")
    if value != value.strip():
        raise fault(f"begins or ends with a space: {shown(value)}; remove it")
    return value


def read_duration(value: object) -> timedelta:
    """`"90s"`, `"10m"`, `"24h"`, `"7d"`; fractions such as `"0.5s"` too."""
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise fault(f'must be a length of time such as "90s", "10m", "24h" or "7d", not {shown(value)}')
    return float(match[1]) * _DURATION_UNITS[match[2]]


def duration_text(length: timedelta) -> str:
    """A length of time in the largest unit that gives a whole number."""
    for unit in "dhm":
        if length and length % _DURATION_UNITS[unit] == timedelta(0):
            return f"{length // _DURATION_UNITS[unit]}{unit}"
    return f"{length.total_seconds():.3f}".rstrip("0").rstrip(".") + "s"


def read_size(value: object) -> int:
    """`"2MiB"` (1024 * 1024 each), `"200MB"` (a million each); bytes."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise fault(f'needs a unit: write "2MiB" or "200MB", not {shown(value)}')
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise fault(f'must be a size such as "2MiB" or "200MB", not {shown(value)}')
    return int(match[1]) * _SIZE_UNITS[match[2]]


def size_text(size: int) -> str:
    """A size in the largest unit that gives a whole number."""
    for name in ("GiB", "GB", "MiB", "MB", "KiB", "kB"):
        if size and size % _SIZE_UNITS[name] == 0:
            return f"{size // _SIZE_UNITS[name]}{name}"
    return f"{size}B"


def read_slug(value: object) -> str:
    """A topic level: `[a-z0-9-]{1,48}`."""
    text = read_text(value)
    if not is_slug(text):
        proposal = reduced(text)
        example = f'; for example "{proposal}"' if proposal else ""
        raise fault(f"must be 1 to 48 of a-z, 0-9 and -, not {shown(text)}{example}")
    return text


def read_name(value: object) -> str:
    """A name of the installer's choice that commands and the database use."""
    text = read_text(value)
    if not _NAME.fullmatch(text):
        raise fault(f"must be 1 to 48 letters, digits, dots, - and _, a letter or digit first, not {shown(text)}")
    return text


def read_identity(value: object) -> str:
    """A charger's identity, as it stands in the charger: decoded, not percent-encoded."""
    text = read_text(value)
    if len(text) > LONGEST:
        raise fault(f"is {len(text)} characters long; {LONGEST} are the limit")
    if "/" in text:
        raise fault(f"is the last part of the charger's URL alone, without any /, not {shown(text)}")
    return text


def read_tag(value: object) -> str:
    """An RFID tag or other idToken."""
    text = read_text(value)
    if len(text) > 36:
        raise fault("is longer than the 36 characters that OCPP allows a tag")
    return text


def read_path(value: object) -> Path:
    """An absolute path; whether it exists is asked later."""
    text = str(value) if isinstance(value, Path) else read_text(value)
    if not text.startswith("/"):
        raise fault(f"must be a whole path that begins with /, not {shown(text)}")
    return Path(text)


def read_topic(value: object) -> str:
    """One or more levels of an MQTT topic, no wildcards, no empty level."""
    text = read_text(value)
    if any(char in text for char in "+#$"):
        raise fault(f"must not contain +, # or $, not {shown(text)}; MQTT gives them a meaning")
    if not all(text.split("/")):
        raise fault(f"must not begin or end with / or contain //, not {shown(text)}")
    if len(text.encode()) > 200:
        raise fault("is longer than 200 bytes; topics below it would become too long for brokers")
    return text


def read_connector(value: object) -> str:
    """A connector as MQTT names it: `1`, or `1-2` (EVSE and connector) in OCPP 2.x."""
    if not isinstance(value, str) or not _CONNECTOR.fullmatch(value):
        raise fault(f'names a connector: write its number in quotes, such as "1", not {shown(value)}')
    return value


def _between(low: str, high: str) -> Callable[[object], timedelta]:
    lowest, highest = read_duration(low), read_duration(high)

    def read(value: object) -> timedelta:
        length = read_duration(value)
        if not lowest <= length <= highest:
            raise fault(f"must be between {low} and {high}, not {shown(value)}")
        return length

    return read


def _sized(low: str, high: str) -> Callable[[object], int]:
    lowest, highest = read_size(low), read_size(high)

    def read(value: object) -> int:
        size = read_size(value)
        if not lowest <= size <= highest:
            raise fault(f"must be between {low} and {high}, not {shown(value)}")
        return size

    return read


Text = Annotated[str, BeforeValidator(read_text)]
Slug = Annotated[str, BeforeValidator(read_slug)]
Name = Annotated[str, BeforeValidator(read_name)]
Identity = Annotated[str, BeforeValidator(read_identity)]
Tag = Annotated[str, BeforeValidator(read_tag)]
Connector = Annotated[str, BeforeValidator(read_connector)]
TopicRoot = Annotated[str, BeforeValidator(read_topic)]
FilePath = Annotated[Path, BeforeValidator(read_path)]
Flag = Annotated[bool, Field(strict=True)]

# Below 30 s a charger on a bad mobile link would be dropped between two pings of 20 s.
IdleLimit = Annotated[timedelta, BeforeValidator(_between("30s", "24h"))]
Grace = Annotated[timedelta, BeforeValidator(_between("0s", "30d"))]
CacheAge = Annotated[timedelta, BeforeValidator(_between("1m", "365d"))]
PollInterval = Annotated[timedelta, BeforeValidator(_between("0.2s", "1h"))]

# Real frames reach some 100 kB; above 64 MiB a few chargers could fill the memory of a Raspberry Pi.
FrameLimit = Annotated[int, BeforeValidator(_sized("64KiB", "64MiB"))]
# Below 20 MB a week without upstream does not fit.
Quota = Annotated[int, BeforeValidator(_sized("20MB", "1000GB"))]
