"""What the daemon said, read leniently and made safe to show.

Lenient, because it may be of another version than the command. Safe, because chargers and upstreams chose many of the
texts: every one that goes to a terminal comes out of a function of this file.
"""

from __future__ import annotations

import json
import re
import shlex
import textwrap
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

WIDTH: Final = 80
"""Columns of the narrowest console that somebody reads this on; identities and commands are never broken."""

GLUE: Final = "\N{NO-BREAK SPACE}"
"""A blank at which no line may end. It cannot come from a peer: `shown` and `quoted` escape it."""

MOST: Final = 2**63
"""No number that the daemon counts is greater."""

_COMMAND = re.compile(r"`[^`]{1,60}`")
"""Sentences name commands like this; one that fits in a line is not broken."""

Answer = Mapping[str, Any]


def shown(text: str) -> str:
    """The text as one line that does nothing to a terminal: what is not printable is escaped, bidi marks included."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def quoted(text: str) -> str:
    """The text as one word of a shell, exact: ready to be pasted, and a blank at its end is seen."""
    if text.isprintable():
        return shlex.quote(text)
    # Bash, zsh and busybox read this; POSIX has no spelling for what cannot be shown.
    octets = text.encode("utf-8", "surrogatepass")
    return "$'" + "".join(chr(octet) if _is_plain(octet) else f"\\x{octet:02x}" for octet in octets) + "'"


def word(of: Answer, key: str, default: str = "unknown") -> str:
    """A value in words that can be shown; `default` for one that is missing or null."""
    value = of.get(key)
    if value is None:
        return default
    return shown(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def words(of: Answer, key: str) -> list[str]:
    """A list of texts, each fit to be shown."""
    values = of.get(key)
    return [shown(str(value)) for value in values] if isinstance(values, list) else []


def name(of: Answer, key: str = "identity") -> str:
    """An identity, exact, as a shell reads it, blanks glued."""
    identity = of.get(key)
    return quoted(identity).replace(" ", GLUE) if isinstance(identity, str) else "unknown"


def number(of: Answer, key: str) -> int | None:
    """A whole number, or one rounded down; None for anything else."""
    value = of.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    # Neither for NaN, which is not less than anything.
    return int(value) if abs(value) < MOST else None


def table(of: Answer, key: str) -> Answer:
    """An object; an empty one for anything else."""
    value = of.get(key)
    return value if isinstance(value, dict) else {}


def rows(of: Answer, key: str) -> list[Answer]:
    """The objects of a list."""
    values = of.get(key)
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def moment(of: Answer, key: str, *, precision: str = "seconds") -> str:
    """A time stamp as this machine's local time, glued."""
    value = of.get(key)
    try:
        local = datetime.fromisoformat(value if isinstance(value, str) else "").astimezone()
    except (ValueError, OverflowError):
        return word(of, key)
    return local.replace(tzinfo=None).isoformat(GLUE, precision)


def wrapped(text: str, first: str = "", rest: str | None = None) -> list[str]:
    """The text in lines of WIDTH; `first` stands before it, `rest` before its other lines."""
    lines = textwrap.wrap(
        _COMMAND.sub(_glued, text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first) if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [unglued(line) for line in lines]


def unglued(line: str) -> str:
    """A line as it is printed."""
    return line.replace(GLUE, " ")


def listed(parts: Iterable[str]) -> str:
    """The parts that say something, with commas."""
    return ", ".join(part for part in parts if part)


def _glued(command: re.Match[str]) -> str:
    return command[0].replace(" ", GLUE)


def _is_plain(octet: int) -> bool:
    return 0x20 <= octet < 0x7F and octet not in b"'\\"
