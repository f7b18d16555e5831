"""Line numbers for the keys of a TOML text, which the standard library's parser does not keep."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from gateway.settings.origins import Path

DEEPEST = 5
"""Names in a path: no setting has more than three, and what lies deeper needs no line of its own."""

# Everything that can hide a line break or a bracket from the reader: strings, comments, nesting.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[{]|[\]}]|\n"
    r"|[^\"'\#\[\]{}\n]+",
    re.DOTALL,
)
_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_KEY = re.compile(rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*")


def key_lines(text: str) -> dict[Path, int]:
    """The line (from 1) of every header and key of a text that `tomllib` accepts; inline tables excepted."""
    lines: dict[Path, int] = {}
    last: dict[Path, int] = {}  # the position of the latest element, by path of its list of tables
    table: Path = ()
    for line, statement in _statements(text):
        if statement.startswith("["):
            names = _names(statement)
            table = _below(names[:-1], last) + names[-1:]
            if statement.startswith("[["):
                last[table] = last.get(table, -1) + 1
                lines.setdefault(table, line)
            table = _below(table, last, known=len(table) - 1)
            lines.setdefault(table, line)
        elif key := _KEY.match(statement):
            path = table
            for name in _names(f"{key[0]} = 0"):
                path = (*path, name)
                lines.setdefault(path, line)
    return lines


def _below(names: Path, last: dict[Path, int], known: int = 0) -> Path:
    """The path that these names mean now: through a list of tables it goes to the latest element."""
    path = names[:known]
    for name in names[known:]:
        path = (*path, name)
        if path in last:
            path = (*path, last[path])
    return path


def _names(statement: str) -> Path:
    """The names in a header or before the `=`, unquoted; only as many as any setting has."""
    names: Path = ()
    node: Any = tomllib.loads(statement)
    while node and len(names) < DEEPEST:
        if isinstance(node, list):
            node = node[0]
        else:
            name, node = next(iter(node.items()))
            names = (*names, name)
    return names


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Header lines and key lines with the line they begin on; values that span lines stay in one piece."""
    line = 1
    depth = 0
    parts: list[str] = []
    for piece in _TOKEN.findall(text):
        if piece in ("[", "{"):
            depth += 1
        elif piece in ("]", "}"):
            depth -= 1
        if piece == "\n" and depth == 0:
            statement = "".join(parts).strip()
            if statement:
                yield line - sum(part.count("\n") for part in parts), statement
            parts = []
        elif not piece.startswith("#"):
            parts.append(piece)
        line += piece.count("\n")
    statement = "".join(parts).strip()
    if statement:
        yield line - sum(part.count("\n") for part in parts), statement
