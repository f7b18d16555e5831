"""Configurations for tests, written to real files or straight from text."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from gateway.settings import ConfigurationError, Problem, Settings
from gateway.settings.documents import parse
from gateway.settings.load import settings_of

NOBODY = 65534


def settings_from(*texts: str) -> Settings:
    """The settings of these files, called a.toml, b.toml, ...; raises ConfigurationError."""
    documents, problems = [], []
    for name, text in zip("abcdef", texts, strict=False):
        parsed = parse(f"{name}.toml", text.encode())
        if isinstance(parsed, Problem):
            problems.append(parsed)
        else:
            documents.append(parsed)
    return settings_of(documents, problems)


def problems_of(*texts: str) -> list[str]:
    """What is wrong with these files, one line each."""
    try:
        settings_from(*texts)
    except ConfigurationError as error:
        return str(error).split("\n")
    return []


def write_site(folder: Path, text: str, drop_ins: Mapping[str, str] | None = None) -> Path:
    """A configuration on the disk, with drop-ins beside it."""
    path = folder / "gateway.toml"
    path.write_text(text)
    for name, drop_in in (drop_ins or {}).items():
        (folder / "conf.d").mkdir(exist_ok=True)
        (folder / "conf.d" / name).write_text(drop_in)
    return path


@contextmanager
def without_privileges() -> Iterator[None]:
    """Act as a user for whom access rights count, which they do not for root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
