"""What is wrong with a configuration, in one line each: where, what, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

LONGEST_SHOWN = 60
"""Characters of a value that a message repeats: enough to find it, and one line stays one line."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: `file` (None: the environment), `line` where known, `key` as written there, and `text`."""

    file: str | None
    line: int | None
    key: str
    text: str

    def __str__(self) -> str:
        place = self.file or "environment"
        if self.line is not None:
            place += f":{self.line}"
        return ": ".join(part for part in (place, self.key, self.text) if part)


class ConfigurationError(Exception):
    """The configuration cannot be used; `problems` has every fault found, in the order of the files."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def shown(value: object) -> str:
    """A value for a message: on one line, printable, cut, text in quotes. Never call it with a secret."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{_cut(value)}"'
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, int):
        # Text of very long integers is slow to make, and refused by Python beyond 4,300 digits.
        return str(value) if value.bit_length() <= 128 else "a very large number"
    return _cut(str(value))


def plain(name: str) -> str:
    """A key as it is written: bare where TOML allows that."""
    bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if bare and len(name) <= LONGEST_SHOWN else shown(name)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that somebody who wrote `word` most likely meant, None if none is close."""
    by_folded = {name.casefold(): name for name in known}
    close = get_close_matches(word[:LONGEST_SHOWN].casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def listed(words: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return f" {last} ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def printable(text: str) -> str:
    """The text with what would spoil a terminal, or fail to be printed at all, as escapes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _cut(text: str) -> str:
    return printable(text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "...")
