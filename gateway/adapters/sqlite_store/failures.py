"""What SQLite says, in sentences for whoever stands at the machine."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from gateway.runtime.ports import StoreFailed

_MAY_IT_WRITE = (
    "Check with `findmnt -T {folder}` that its disk is not mounted read-only, "
    "and that the user that evgate runs as may write the file and its folder."
)
_SENTENCES = {
    sqlite3.SQLITE_FULL: (
        "The disk is full, and the store {path} takes nothing more. "
        "Make space on the disk of {folder} (`df -h {folder}`)."
    ),
    sqlite3.SQLITE_READONLY: "The store {path} can be read but not written. " + _MAY_IT_WRITE,
    sqlite3.SQLITE_CANTOPEN: "The store {path} cannot be opened. " + _MAY_IT_WRITE,
    sqlite3.SQLITE_IOERR: (
        "The disk did not read or write the store {path} ({name}). Look for disk errors in `dmesg` "
        "and for free space with `df -h {folder}`; replace a failing card."
    ),
    sqlite3.SQLITE_CORRUPT: (
        "The store {path} is damaged ({message}). It is set aside and a fresh one is begun as soon as evgate opens "
        "it again, within a minute. Look for disk errors in `dmesg`; replace a failing card."
    ),
    sqlite3.SQLITE_BUSY: ("Another program keeps the store {path} locked. Find it with `fuser -v {path}` and end it."),
    sqlite3.SQLITE_CONSTRAINT: (
        "The store {path} refused a change that contradicts what stands in it ({message}). "
        "This is a fault of evgate: please report it with the log lines before this one."
    ),
}
_UNEXPECTED = (
    "The store {path} failed ({name}: {message}). Restart evgate; if this comes back, "
    "report it with the log lines before this one."
)
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""SQLite cannot make sense of what it reads."""


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's result code without its extension; SQLITE_ERROR where Python raised without asking SQLite."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF


def failed(error: sqlite3.Error, path: Path) -> StoreFailed:
    """The exception for a store that is in use."""
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return StoreFailed(_sentence(primary_code(error), path, name, str(error)))


def _sentence(code: int, path: Path, name: str, message: str) -> str:
    sentence = _SENTENCES.get(sqlite3.SQLITE_CORRUPT if code in DAMAGED else code, _UNEXPECTED)
    return sentence.format(path=path, folder=path.parent, name=name, message=message)
