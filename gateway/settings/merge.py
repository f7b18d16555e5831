"""Several files as one tree: tables merge, the later value wins, lists of tables are joined."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

from gateway.settings.documents import Document
from gateway.settings.lines import DEEPEST
from gateway.settings.models import Settings
from gateway.settings.origins import LABELS, Origins, Path
from gateway.settings.problems import Problem
from gateway.settings.schema import LISTS, inner


def merged(documents: Sequence[Document]) -> tuple[dict[str, object], Origins, list[Problem]]:
    """One tree of all documents, the origin of everything in it, and sections of the wrong kind."""
    tree: dict[str, object] = {}
    origins = Origins(tuple(document.file for document in documents if document.file is not None))
    problems: list[Problem] = []
    for document in documents:
        for name, value in document.tree.items():
            if name in LISTS and isinstance(value, list):
                _join(tree, document, name, value, origins)
            elif name in LISTS and isinstance(value, dict):
                text = f"must be written with two brackets, [[{name}]], one for each"
                problems.append(document.problem((name,), name, text))
            else:
                _merge(tree, document, (name,), value, inner(Settings, name), origins)
    return tree, origins, problems


def _join(tree: dict[str, object], document: Document, name: str, items: list[object], origins: Origins) -> None:
    """Append tables to those of the files before."""
    joined = tree.get(name)
    if not isinstance(joined, list):
        joined = tree[name] = []
    for index, item in enumerate(items):
        _note(document, (name, index), item, (name, len(joined)), origins)
        label = item.get(LABELS[name]) if isinstance(item, dict) else None
        if isinstance(label, str):
            origins.labels[name, len(joined)] = label
        joined.append(item)


def _merge(
    into: dict[str, object],
    document: Document,
    path: Path,
    value: object,
    section: type[BaseModel] | None,
    origins: Origins,
) -> None:
    """Put a value into its table: sections are merged key by key, anything else replaces what stood there."""
    name = str(path[-1])
    present = into.get(name)
    if section is not None and isinstance(value, dict) and isinstance(present, dict):
        for key, item in value.items():
            _merge(present, document, (*path, key), item, inner(section, key), origins)
        return
    for replaced in [known for known in origins.by_path if known[: len(path)] == path]:
        del origins.by_path[replaced]
    # A copy, because the next file may add to it.
    into[name] = _copied(value, section)
    _note(document, path, value, path, origins)


def _copied(value: object, section: type[BaseModel] | None) -> object:
    if section is None or not isinstance(value, dict):
        return value
    return {key: _copied(item, inner(section, key)) for key, item in value.items()}


def _note(document: Document, source: Path, value: object, target: Path, origins: Origins) -> None:
    """Record the origin of a value and of everything in it that can be a setting."""
    origins.by_path[target] = document.origin_of(source)
    if isinstance(value, dict) and len(target) < DEEPEST:
        for key, item in value.items():
            _note(document, (*source, key), item, (*target, key), origins)
