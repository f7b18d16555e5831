"""Repairs of frames that are no JSON. A text that is JSON comes back as it is, whatever stands in its strings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

NUL: Final = "\x00"

_TOKEN = re.compile(
    r'"[^"\\]*(?:\\.[^"\\]*)*"'  # a string with both its quotes
    r"|[{}\[\],:]"
    r"|[ \t\r\n]+"
    r'|"[^"\\]*(?:\\.[^"\\]*)*\\?\Z'  # a string that was cut off
    r'|[^"{}\[\],: \t\r\n]+'
    r"|.",
    re.DOTALL,
)
_BLANKS: Final = " \t\r\n"
_OPENING: Final = {"[": "]", "{": "}"}
_CLOSING: Final = frozenset(_OPENING.values())
_WORDS: Final = frozenset({"true", "false", "null"})


def strip_nul(text: str) -> str:
    """Without NUL characters, which JSON allows nowhere."""
    return text.replace(NUL, "")


def stray_commas(text: str) -> str:
    """Without commas that separate nothing: `[,{` and `},]`."""
    kept: list[str] = []
    last = ""  # the last piece that is no blank
    place = -1  # where it stands
    for piece in _TOKEN.findall(text):
        if piece == "," and last in ("[", "{", ",", ""):
            continue
        if piece in _CLOSING and last == ",":
            kept[place] = ""
        kept.append(piece)
        if piece[0] not in _BLANKS:
            last, place = piece, len(kept) - 1
    return "".join(kept)


def missing_value(text: str) -> str:
    """With `null` where a member has a name and no value: `"transactionId":,`."""
    kept: list[str] = []
    last = ""
    for piece in _TOKEN.findall(text):
        if piece in (",", "}") and last == ":":
            kept.append("null")
        kept.append(piece)
        if piece[0] not in _BLANKS:
            last = piece
    return "".join(kept)


def unclosed(text: str) -> str:
    """A text that was cut off, up to its last whole value, with its brackets closed.

    A number at the end may have lost digits and counts as cut off, with its name; so does what was only opened.
    """
    reader = _Reader()
    for start, piece in _pieces(text):
        if not reader.take(start, piece):
            return text
    if not reader.open or not reader.whole:
        return text
    opened = reader.open[: reader.whole_depth]
    return text[: reader.whole] + "".join(_OPENING[bracket] for bracket in reversed(opened))


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Position and text of everything that is no blank."""
    return ((match.start(), match[0]) for match in _TOKEN.finditer(text) if match[0][0] not in _BLANKS)


@dataclass(slots=True)
class _Reader:
    """How far a text is JSON. Its last whole value ends at `whole`, inside the first `whole_depth` open brackets."""

    open: list[str] = field(default_factory=list)
    whole: int = 0
    whole_depth: int = 0
    _expects: str = "value"  # or name, colon, end
    _end: int = 0

    def take(self, start: int, piece: str) -> bool:
        """Read on; False where the text is damaged in another way than by its end."""
        if self._expects == "end":
            known = self._go_on(piece)
        elif self._expects == "colon":
            self._expects = "value"
            known = piece == ":"
        elif piece in _CLOSING:
            known = self._close(piece)
        elif self._expects == "name":
            self._expects = "colon"
            known = piece[0] == '"'
        else:
            known = self._value(start + len(piece), piece)
        self._end = start + len(piece)
        if piece in _CLOSING and known:
            self._mark(self._end)
        return known

    def _go_on(self, piece: str) -> bool:
        if piece in _CLOSING:
            return self._close(piece)
        if piece != "," or not self.open:
            return False
        self._mark(self._end)
        self._expects = "name" if self.open[-1] == "{" else "value"
        return True

    def _close(self, piece: str) -> bool:
        if not self.open or _OPENING[self.open.pop()] != piece:
            return False
        self._expects = "end"
        return True

    def _value(self, end: int, piece: str) -> bool:
        if piece in _OPENING:
            self.open.append(piece)
            self._expects = "name" if piece == "{" else "value"
            return True
        self._expects = "end"
        if piece in _WORDS or (piece[0] == '"' and len(piece) > 1 and _TOKEN_STRING.fullmatch(piece) is not None):
            self._mark(end)
        return piece not in (",", ":")

    def _mark(self, position: int) -> None:
        self.whole, self.whole_depth = position, len(self.open)


_TOKEN_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
