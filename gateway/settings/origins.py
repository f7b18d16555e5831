"""Where each value of the configuration came from."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.settings.problems import Problem, plain

Path = tuple[str | int, ...]
"""The way to a value: names of tables and keys, positions in lists."""

LABELS = {"charger": "identity", "upstream": "name", "bus": "id", "meter": "id"}
"""The lists of tables, and the key that tells one table from the other."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A file and line, or (`variable`) the environment."""

    file: str | None = None
    line: int | None = None
    variable: str | None = None

    def __str__(self) -> str:
        if self.variable is not None:
            return self.variable
        return f"{self.file}:{self.line}" if self.line is not None else str(self.file)


@dataclass(frozen=True)
class Origins:
    """Origins by path, the files in the order they were read, and what each table of a list is called."""

    files: tuple[str, ...] = ()
    by_path: dict[Path, Origin] = field(default_factory=dict)
    labels: dict[Path, str] = field(default_factory=dict)

    def of(self, path: Path) -> Origin:
        """The origin of the value at this path, or of the nearest table around it."""
        around = (path[:length] for length in range(len(path), 0, -1))
        found = next((self.by_path[near] for near in around if near in self.by_path), None)
        return found or Origin(file=self.files[0] if self.files else None)

    def problem(self, path: Path, text: str) -> Problem:
        """A problem with the value at this path."""
        origin = self.of(path)
        return Problem(origin.file, origin.line, origin.variable or self.key(path), text)

    def key(self, path: Path) -> str:
        """The path in an installer's words: `mqtt.url`, `charger[CP01].outage`, `charger[#2].outage`."""
        text = ""
        for length, step in enumerate(path, start=1):
            if isinstance(step, int):
                label = self.labels.get(path[:length])
                text += f"[{plain(label)}]" if label else f"[#{step + 1}]"
            else:
                text += f".{plain(step)}" if text else plain(step)
        return text
