"""`evgate explain`: what a word of OCPP or of the MQTT topics means. A table; the daemon is not asked."""

from __future__ import annotations

from typing import Any, Final

from gateway.commands.reading import listed, wrapped
from gateway.core.meanings import MEANINGS, Meaning, meaning, nearest

ASKED_SHOWN: Final = 60
"""Characters of what was asked that an error repeats: somebody may have pasted a whole message."""

_MQTT: Final = ("MQTT",)


class WordUnknown(Exception):
    """Nobody knows this word; the message ends with what to do next."""


def explanation(asked: str) -> dict[str, Any]:
    """The answer as one object; without a word every one that is known. Raises WordUnknown."""
    return {
        "meanings": [
            {
                "word": row.word,
                "kind": row.kind,
                "versions": list(row.versions),
                "severity": row.severity,
                "meaning": row.text,
                "what_to_do": row.advice,
            }
            for row in (_known(asked) if asked else MEANINGS)
        ]
    }


def meaning_lines(asked: str) -> list[str]:
    """Every use of a word, one after the other. Raises WordUnknown."""
    lines: list[str] = []
    for row in _known(asked):
        lines += [*([""] if lines else []), *_paragraph(row)]
    return lines


def word_lines() -> list[str]:
    """All words, by kind."""
    kinds: dict[str, list[str]] = {}
    for row in MEANINGS:
        kinds.setdefault(row.kind, []).append(row.word)
    lines: list[str] = []
    for kind, words in kinds.items():
        lines += wrapped(listed(words), f"{kind}: ", "    ")
    return lines


def _known(asked: str) -> tuple[Meaning, ...]:
    rows = meaning(asked)
    if not rows:
        word = asked if len(asked) <= ASKED_SHOWN else f"{asked[:ASKED_SHOWN]}…"
        advice = f"did you mean {nearest(asked)}? `evgate explain` lists all words"
        raise WordUnknown(f"no word of OCPP or of evgate is '{word}': {advice}")
    return rows


def _paragraph(row: Meaning) -> list[str]:
    where = "of evgate's MQTT topics" if row.versions == _MQTT else f"of OCPP {listed(row.versions)}"
    return [
        *wrapped(f"{row.word}: {row.kind} {where}"),
        *wrapped(row.text, "  "),
        *([f"  Severity: {row.severity}"] if row.severity else []),
        *wrapped(row.advice, "  What to do: ", "    "),
    ]
