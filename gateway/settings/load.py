"""Reading the configuration: files and environment in, one checked tree out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import InitSettingsSource

from gateway.settings.crosscheck import crosscheck
from gateway.settings.documents import Document, File, parsed, read_files
from gateway.settings.environment import read_environment, setting_variables
from gateway.settings.explain import explained
from gateway.settings.merge import merged
from gateway.settings.models import Settings
from gateway.settings.problems import ConfigurationError, Problem

DEFAULT_PATH = Path("/etc/evgate/gateway.toml")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a configuration was read from: the files' content, and the variables that set something."""

    files: tuple[File, ...]
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def settings(self, problems: Sequence[Problem] = ()) -> Settings:
        """What stands in it. Raises ConfigurationError, which begins with the `problems` already found."""
        documents, wrong = parsed(self.files)
        environment, more = read_environment(self.variables)
        return settings_of([*documents, environment], [*problems, *wrong, *more])


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration and what it was read from; where it is the last good one, also why and since when."""

    settings: Settings
    snapshot: Snapshot
    problems: tuple[Problem, ...] = ()
    since: datetime | None = None


def load_present(path: Path | None, environ: Mapping[str, str]) -> Loaded:
    """The configuration of `path` (None: /etc/evgate/gateway.toml), its drop-ins and the environment, read once.

    Raises ConfigurationError with every problem found. Secrets are not read yet: see `resolve`.
    """
    files, problems = read_files(DEFAULT_PATH if path is None else path)
    snapshot = Snapshot(tuple(files), setting_variables(environ))
    return Loaded(snapshot.settings(problems), snapshot)


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings of `load_present` alone."""
    return load_present(path, environ).settings


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
