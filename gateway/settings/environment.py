"""Settings from the environment: `EVGATE_<SECTION>__<KEY>`. Lists of tables stay in files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.settings.documents import Document
from gateway.settings.origins import Path
from gateway.settings.problems import Problem, nearest, plain
from gateway.settings.schema import LISTS, mentions, single_values, takes_several
from gateway.settings.secret import KeyFile, Secret

PREFIX = "EVGATE_"
DELIMITER = "__"

_FLAGS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def variable_of(path: Path) -> str:
    """The variable that overrides the key at this path."""
    return PREFIX + DELIMITER.join(str(step) for step in path).upper()


def _known_variables() -> dict[str, tuple[Path, object]]:
    known: dict[str, tuple[Path, object]] = {}
    for path, annotation in single_values():
        known[variable_of(path)] = path, annotation
        if mentions(annotation, Secret) or mentions(annotation, KeyFile):
            for place in ("credential", "file"):
                known[variable_of((*path, place))] = (*path, place), str
    return known


def setting_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that are settings, or look like one.

    An empty variable counts as not set. Variables without `__` (EVGATE_CONTROL, say) are no settings, unless
    one is a setting with an underscore missing.
    """
    without_delimiter = {name.replace("_", "") for name in _known_variables()}
    return {
        variable: environ[variable]
        for variable in sorted(environ)
        if (name := variable.upper()).startswith(PREFIX)
        and environ[variable]
        and (DELIMITER in name or name.replace("_", "") in without_delimiter)
    }


def read_environment(variables: Mapping[str, str]) -> tuple[Document, list[Problem]]:
    """What these `setting_variables` set, and those that are no settings after all."""
    known = _known_variables()
    without_delimiter = {name.replace("_", ""): name for name in known}
    document = Document(None, {})
    problems: list[Problem] = []
    for variable, text in variables.items():
        name = variable.upper()
        if name not in known:
            meant = without_delimiter.get(name.replace("_", "")) or nearest(name, known)
            problems.append(Problem(None, None, plain(variable), _unknown(name, meant)))
            continue
        path, annotation = known[name]
        if _set(document.tree, path, _value(text, annotation)):
            document.variables[path] = variable
        else:
            problems.append(Problem(None, None, plain(variable), "is set in two ways; keep one of the variables"))
    return document, problems


def _unknown(name: str, meant: str | None) -> str:
    section = name.removeprefix(PREFIX).partition(DELIMITER)[0].lower()
    if section in LISTS:
        return f"no variable can set this; write [[{section}]] into a file, conf.d/*.toml for example"
    return "is not a setting; " + (f"did you mean {meant}?" if meant else "remove it from the environment")


def _value(text: str, annotation: object) -> object:
    if annotation is bool:
        return _FLAGS.get(text.strip().lower(), text)
    if takes_several(annotation):
        return [item.strip() for item in text.split(",") if item.strip()]
    return text


def _set(tree: dict[str, object], path: Path, value: object) -> bool:
    """Put the value at the path; False if something stands in the way."""
    table: Any = tree
    for step in path[:-1]:
        table = table.setdefault(step, {})
    if not isinstance(table, dict) or path[-1] in table:
        return False
    table[path[-1]] = value
    return True
