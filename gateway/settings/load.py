"""Reading the configuration: files and environment in, one checked tree out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import InitSettingsSource

from gateway.settings.crosscheck import crosscheck
from gateway.settings.documents import Document, read_documents
from gateway.settings.environment import read_environment
from gateway.settings.explain import explained
from gateway.settings.merge import merged
from gateway.settings.models import Settings
from gateway.settings.problems import ConfigurationError, Problem

DEFAULT_PATH = Path("/etc/evgate/gateway.toml")


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The configuration of `path` (None: /etc/evgate/gateway.toml), its drop-ins and the environment.

    Raises ConfigurationError with every problem found. Secrets are not read yet: see `resolve`.
    """
    documents, problems = read_documents(DEFAULT_PATH if path is None else path)
    environment, more = read_environment(environ)
    return settings_of([*documents, environment], [*problems, *more])


def settings_of(documents: Sequence[Document], problems: Sequence[Problem] = ()) -> Settings:
    """The settings these documents make together, the later one first in rank.

    Raises ConfigurationError, which begins with the `problems` already found.
    """
    tree, origins, misplaced = merged(documents)
    found = [*problems, *misplaced]
    # What a reference names may stand in the part that could not be read.
    complete = all(problem.file is None for problem in found)
    found += crosscheck(tree, origins, complete=complete)
    try:
        settings = Settings(_build_sources=((InitSettingsSource(Settings, tree),), {}))
    except ValidationError as error:
        found += explained(error, origins)
    else:
        if not found:
            settings.remember(origins)
            return settings
    order = {file: rank for rank, file in enumerate(origins.files)}
    # Without the chain: pydantic's own text would repeat values, secrets among them.
    raise ConfigurationError(
        sorted(found, key=lambda problem: (order.get(problem.file or "", len(order)), problem.line or 0))
    ) from None
