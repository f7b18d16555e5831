"""What pydantic found, in sentences for the person who wrote the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from gateway.settings.models import Settings
from gateway.settings.origins import Origins, Path
from gateway.settings.problems import Problem, listed, nearest, plain, shown
from gateway.settings.schema import LISTS, header, holders, section_at
from gateway.settings.values import FAULT

# A key without a default, and what to do when it is not there.
_MISSING = {
    "identity": "write the identity that stands in the charger's own settings, the last part of its URL",
    "name": 'give the upstream a short name of your choice, such as "operator"; records are kept under it',
    "url": "write the address to connect to",
    "id": "give it a short id of your choice",
    "bus": "write the id of the [[bus]] the meter hangs on",
    "profile": "write the meter model's profile; the gateway cannot guess which registers it has",
    "certificate": "write the path of the PEM file with the certificate that chargers trust",
    "key": "write the path of the PEM file with the certificate's private key",
}

# pydantic's type of error, and the sentence; {…} come from pydantic's context.
_SENTENCES = {
    "bool_type": "must be true or false without quotes",
    "int_type": "must be a whole number without quotes",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "too_short": "needs at least {min_length} entry",
    "too_long": "may have {max_length} entries at most",
    "literal_error": "must be {expected}",
}


def explained(error: ValidationError, origins: Origins) -> list[Problem]:
    """One problem for each error, at the file and line that caused it."""
    problems: list[Problem] = []
    for details in error.errors(include_url=False):
        path: Path = details["loc"]
        if path[-1:] == ("[key]",) and details["type"] != "extra_forbidden":
            # The marker of pydantic's own behind a bad key of a free table; a file may hold a key of that name as well.
            path = path[:-1]
        text = _text(details["type"], path, details.get("ctx", {}), details.get("input"))
        problems.append(origins.problem(path, text or details["msg"]))
    return problems


def _text(kind: str, path: Path, context: Mapping[str, Any], value: object) -> str | None:
    if kind == FAULT:
        return str(context["text"])
    if kind == "extra_forbidden":
        return _unknown_key(path)
    if kind == "missing":
        return f"is missing; {_MISSING[str(path[-1])]}"
    if kind in ("model_type", "model_attributes_type", "mapping_type", "dict_type"):
        return f"must be a table, not {shown(value)}; {_table_hint(path)}"
    if kind in ("tuple_type", "list_type"):
        if path[-1] in LISTS:
            return f"must be written as {header(str(path[-1]))}, one for each, not {shown(value)}"
        return f'must be a list in brackets, such as ["a", "b"], not {shown(value)}'
    if kind in _SENTENCES:
        return f"{_SENTENCES[kind].format(**context)}, not {shown(value)}".replace("'", '"')
    return None


def _table_hint(path: Path) -> str:
    if not path:
        return f"write sections such as {header('site')} with keys below them"
    if isinstance(path[-1], int):
        return f"write {header(str(path[0]))} on a line of its own, and the keys below it"
    if section_at(path):
        return f"write [{'.'.join(str(step) for step in path)}] on a line of its own, and the keys below it"
    return 'write it as { "1" = "..." }'


def _unknown_key(path: Path) -> str:
    key = str(path[-1])
    section = section_at(path[:-1])
    known = tuple(section.model_fields) if section else ()
    meant = nearest(key, known)
    found = holders(key)
    if len(path) == 1:
        if found:
            return f"stands outside any section; it belongs below {listed(found, 'or')}"
        if meant:
            return f"is not a section; did you mean {header(meant)}?"
        return f"is not a section; known are {listed([header(name) for name in Settings.model_fields])}"
    if found:
        return f"is not a key of this section; it belongs below {listed(found, 'or')}"
    if meant:
        return f"is not a known key; did you mean {meant}?"
    return f"is not a known key; this section has {listed([plain(name) for name in known])}"
