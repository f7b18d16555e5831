"""The configuration files as they lie on the disk: the one given, and the drop-ins beside it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.settings.lines import key_lines
from gateway.settings.origins import Origin
from gateway.settings.origins import Path as KeyPath
from gateway.settings.problems import Problem, printable

DROP_INS = "conf.d"

LARGEST_FILE = 2**20
"""Bytes: thousands of chargers fit, and a wrong file named by mistake does not fill the memory."""

_POSITION = re.compile(r" ?\(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True, slots=True)
class File:
    """One file as it was read: its path, printable, and its content."""

    path: str
    content: bytes


@dataclass(frozen=True)
class Document:
    """One file, parsed, with the line of each key; `file` None: the environment, with the variables."""

    file: str | None
    tree: dict[str, object]
    lines: dict[KeyPath, int] = field(default_factory=dict)
    variables: dict[KeyPath, str] = field(default_factory=dict)

    def origin_of(self, path: KeyPath) -> Origin:
        """Where this value, or the nearest table around it, is written."""
        around = [path[:length] for length in range(len(path), 0, -1)]
        line = next((self.lines[near] for near in around if near in self.lines), None)
        variable = next((self.variables[near] for near in around if near in self.variables), None)
        return Origin(self.file, line, variable)

    def problem(self, path: KeyPath, key: str, text: str) -> Problem:
        """A problem with the value at this path."""
        origin = self.origin_of(path)
        return Problem(origin.file, origin.line, key, text)


def read_files(path: Path) -> tuple[list[File], list[Problem]]:
    """The file and its drop-ins in the order in which they count, and what cannot be read of them."""
    drop_ins, problems = toml_files(path.parent / DROP_INS)
    files: list[File] = []
    for place in (path, *drop_ins):
        read = _read(place, is_drop_in=place is not path)
        if isinstance(read, Problem):
            problems.append(read)
        else:
            files.append(read)
    return files, problems


def read_drop_in(path: Path) -> File | Problem:
    """One file of a folder of drop-ins, or why it cannot be read."""
    return _read(path, is_drop_in=True)


def toml_files(folder: Path) -> tuple[list[Path], list[Problem]]:
    """The `*.toml` files of a folder in the order of their names; none where there is no such folder."""
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except (FileNotFoundError, ValueError):
        return [], []
    except NotADirectoryError:
        # Also when --config names something below a file; opening that says so.
        if folder.parent.is_dir():
            return [], [Problem(printable(str(folder)), None, "", "is a file; it must be a folder of *.toml files")]
        return [], []
    except OSError as error:
        text = f"cannot be listed: {error.strerror}; let the user evgate read it"
        return [], [Problem(printable(str(folder)), None, "", text)]
    return [folder / name for name in names if name.endswith(".toml") and not name.startswith(".")], []


def parsed(files: Sequence[File]) -> tuple[list[Document], list[Problem]]:
    """Every file parsed, and what is wrong with the others."""
    documents: list[Document] = []
    problems: list[Problem] = []
    for file in files:
        found = parse(file.path, file.content)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            documents.append(found)
    return documents, problems


def parse(file: str, content: bytes) -> Document | Problem:
    """One file's content. Windows editors put a mark (BOM) at the start, which is ignored."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Problem(file, line, "", "is not UTF-8 text; save the file as UTF-8")
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return _syntax_problem(file, text, str(error))
    except RecursionError:
        return Problem(file, None, "", "is nested too deeply; no setting needs more than three levels")
    except ValueError:
        # Python refuses to read integers of more than 4,300 digits.
        return Problem(file, None, "", "holds a number that is too long; look for a mistyped value")
    return Document(file, tree, key_lines(text))


def _read(path: Path, *, is_drop_in: bool) -> File | Problem:
    file = printable(str(path))
    another = "move it out of the folder" if is_drop_in else "name the right one with --config FILE"
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        return Problem(file, None, "", f"there is no such file; {another}")
    except IsADirectoryError:
        advice = another if is_drop_in else f"name the file in it: --config {path / 'gateway.toml'}"
        return Problem(file, None, "", f"is a folder; {advice}")
    except PermissionError:
        return Problem(file, None, "", "may not be read by this user; use sudo, or let the user evgate read it")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return Problem(file, None, "", f"cannot be read: {reason}; {another}")
    if len(content) > LARGEST_FILE:
        return Problem(file, None, "", f"is larger than 1 MiB; that is no configuration file, {another}")
    return File(file, content)


def _syntax_problem(file: str, text: str, message: str) -> Problem:
    match = _POSITION.search(message)
    line = int(match[1]) if match and match[1] else text.count("\n") + 1 if match else None
    what = message[: match.start()] if match else message
    return Problem(file, line, "", f"is not valid TOML here: {what}; check quotes, brackets and = of this line")
