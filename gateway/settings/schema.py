"""Questions about the shape of the configuration, answered from the models: nothing is listed twice."""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Union, get_args, get_origin

from pydantic import BaseModel

from gateway.settings.models import Settings
from gateway.settings.origins import Path


def section_of(annotation: object) -> type[BaseModel] | None:
    """The section that a field holds, one or a list of them; None if it holds a plain value."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (tuple, Union, UnionType):
        return next((found for part in get_args(annotation) if (found := section_of(part))), None)
    return None


def inner(section: type[BaseModel], key: str) -> type[BaseModel] | None:
    """The section under a key of another section, None if there is a plain value or nothing."""
    field = section.model_fields.get(key)
    return section_of(field.annotation) if field else None


def section_at(path: Path) -> type[BaseModel] | None:
    """The section at a path, positions in lists passed over."""
    section: type[BaseModel] | None = Settings
    for step in path:
        if isinstance(step, str) and section is not None:
            section = inner(section, step)
    return section


def takes_several(annotation: object) -> bool:
    """Whether a field takes a list."""
    return get_origin(annotation) is tuple


def mentions(annotation: object, kind: type) -> bool:
    """Whether a field's type is this one, or this one and None."""
    return annotation is kind or any(mentions(part, kind) for part in get_args(annotation))


def single_values(section: type[BaseModel] = Settings, above: Path = ()) -> Iterator[tuple[Path, object]]:
    """Path and type of every key outside the lists of tables."""
    for key, field in section.model_fields.items():
        below = section_of(field.annotation)
        if below is None:
            yield (*above, key), field.annotation
        elif not takes_several(field.annotation):
            yield from single_values(below, (*above, key))


LISTS = tuple(
    name
    for name, field in Settings.model_fields.items()
    if takes_several(field.annotation) and section_of(field.annotation)
)
"""The sections written with two brackets, such as `[[charger]]`."""


def header(name: str) -> str:
    """A section as it is written: `[mqtt]`, `[[charger]]`."""
    return f"[[{name}]]" if name in LISTS else f"[{name}]"


def holders(key: str) -> list[str]:
    """The headers of the sections that have this key."""
    found = [header(name) for name in Settings.model_fields if key in _keys(section_at((name,)))]
    return [*found, "[chargers.tls]"] if key in _keys(section_at(("chargers", "tls"))) else found


def _keys(section: type[BaseModel] | None) -> tuple[str, ...]:
    return tuple(section.model_fields) if section else ()
