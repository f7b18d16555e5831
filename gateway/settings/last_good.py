"""The last good configuration: what the daemon last became ready with, kept for the day an edit goes wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.settings.documents import File
from gateway.settings.load import Loaded, Snapshot, load_present
from gateway.settings.problems import ConfigurationError, Problem, printable

STATE = "STATE_DIRECTORY"
"""The variable in which systemd tells a service where its state folder is; there may be several, with colons."""

NAME = "last-good.json"

VERSION = 1
"""Of the form of this file; another one is not read, but written anew with the next good start."""

_DO = "correct the present configuration and restart evgate, then it is written anew"


class _Unusable(Exception):
    """The file cannot be used; the message says why."""


def state_folder(environ: Mapping[str, str]) -> Path | None:
    """Where the last good configuration is kept; None for a daemon started by hand, which has none."""
    folder = environ.get(STATE, "").partition(":")[0]
    return Path(folder) if folder else None


def load_or_last_good(path: Path | None, environ: Mapping[str, str]) -> Loaded:
    """The present configuration; as systemd's service, where that cannot be used, the last good one with the problems.

    Raises ConfigurationError where there is neither.
    """
    try:
        return load_present(path, environ)
    except ConfigurationError as error:
        folder = state_folder(environ)
        if folder is None:
            raise
        return _last_good(folder / NAME, error.problems)


def remember(folder: Path, snapshot: Snapshot, now: datetime) -> str | None:
    """Keep the configuration with which the daemon became ready; None, or the sentence why that failed.

    Blocks until it is on the disk. Nothing is written while nothing has changed: SD cards wear.
    """
    file = folder / NAME
    try:
        if _read(file)[0] == snapshot:
            return None
    except (_Unusable, OSError):
        pass
    try:
        _write(file, _encoded(snapshot, now))
    except OSError as error:
        return (
            f"the last good configuration cannot be kept in {folder} ({error.strerror}), so a broken edit would keep "
            f"evgate from starting; let the user evgate write there, and make room on the disk"
        )
    return None


def _last_good(file: Path, present: list[Problem]) -> Loaded:
    """What stands in the file. Raises ConfigurationError with the `present` problems and what is wrong with it."""
    try:
        snapshot, since = _read(file)
        return Loaded(snapshot.settings(), snapshot, tuple(present), since)
    except FileNotFoundError:
        found = []
    except OSError as error:
        found = [f"the last good configuration cannot be read ({error.strerror}); {_DO}"]
    except _Unusable as error:
        found = [f"the last good configuration cannot be used: {error}; {_DO}"]
    except ConfigurationError as error:
        found = [f"the last good configuration does not fit this version of evgate: {error.problems[0]}; {_DO}"]
    more = [Problem(printable(str(file)), None, "", text) for text in found]
    raise ConfigurationError([*present, *more]) from None


def _encoded(snapshot: Snapshot, now: datetime) -> bytes:
    content = {
        "v": VERSION,
        "remembered": now.isoformat(timespec="milliseconds"),
        "files": [{"path": file.path, "text": file.content.decode()} for file in snapshot.files],
        "variables": dict(snapshot.variables),
    }
    return json.dumps(content, indent=1).encode()


def _read(file: Path) -> tuple[Snapshot, datetime]:
    """What was remembered, and when. Raises OSError and _Unusable."""
    content = file.read_bytes()
    try:
        kept = json.loads(content)
        version = kept["v"]
        if version == VERSION:
            return _decoded(kept)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise _Unusable("it is damaged") from None
    raise _Unusable("another version of evgate wrote it")


def _decoded(kept: dict[str, Any]) -> tuple[Snapshot, datetime]:
    """Raises one of many exceptions where the content is not what `_encoded` makes."""
    files = tuple(File(_encodable(file["path"]), _encodable(file["text"]).encode()) for file in kept["files"])
    variables = {_encodable(name): _encodable(value) for name, value in kept["variables"].items()}
    since = datetime.fromisoformat(kept["remembered"])
    if since.tzinfo is None or not files:
        raise ValueError("incomplete")
    return Snapshot(files, variables), since


def _encodable(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    value.encode()
    return value


def _write(file: Path, content: bytes) -> None:
    """Replace the file so that a power cut leaves the old one or the new one; nobody else may read it."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(file)
    except OSError:
        # A disk that is full needs the room.
        new.unlink(missing_ok=True)
        raise
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
