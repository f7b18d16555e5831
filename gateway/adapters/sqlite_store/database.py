"""The database file: whose it is, how it is opened, how it grows from one numbered version to the next."""

from __future__ import annotations

import os
import sqlite3
import struct
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from gateway.adapters.sqlite_store.aside import Damaged
from gateway.adapters.sqlite_store.failures import DAMAGED, failed, primary_code
from gateway.runtime.ports import StoreFailed, StoreRefused

APPLICATION_ID = 0x65766774
"""`evgt`: marks the file as evgate's, for us and for `file`."""

BUSY_TIMEOUT_S = 5.0
"""A backup or a `sqlite3` shell may hold the lock for a moment. Half of a commit's limit (`store.py`)."""

PAGE_BYTES = 1024
"""A commit writes whole pages into the log, and a row has some 300 bytes: with SQLite's usual 4096 a burst over a large
site would write four times as much. A database that was made with another size keeps it."""

LOG_PAGES = 4000
"""Pages in the log before they are moved into the file: 4 MB. The fewer moves, the more often a page is moved once for
many changes, and less is written; 4 MB are moved within a second and read at a start in no time."""

# Read once: an upgrade replaces the files while the old program still runs, and may open its store again.
_FILES = (resources.files("gateway.adapters") / "sql").iterdir()
MIGRATIONS = tuple(
    file.read_text("utf-8") for file in sorted(_FILES, key=lambda file: file.name) if file.name.endswith(".sql")
)
"""The numbered SQL files in order: the one at index n leads from version n to n + 1."""

_FOLDER_MODE = 0o750
_FILE_MODE = 0o640
_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What a database says of itself. `schema` is 0 as long as it never held a table."""

    application_id: int
    version: int
    schema: int


_EMPTY = _Stamp(0, 0, 0)


def open_database(path: Path) -> sqlite3.Connection:
    """A checked and migrated connection for the calling thread. Raises Damaged, StoreFailed or StoreRefused.

    The folder is made if its parent is there. A database of another program or a newer evgate is not touched.
    """
    try:
        _create(path)
        _refuse_foreign(path, newest=len(MIGRATIONS))
        connection = sqlite3.connect(_uri(path, "rw"), uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        try:
            _configure(connection)
            migrate(connection, MIGRATIONS)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        if primary_code(error) in DAMAGED:
            raise Damaged(str(error)) from error
        raise failed(error, path) from error
    except OSError as error:
        raise StoreFailed(
            f"The store {path} cannot be opened ({error.strerror}). Set [store] path to a file in a folder "
            "that exists and that the user that evgate runs as may write."
        ) from error
    return connection


def migrate(connection: sqlite3.Connection, scripts: Sequence[str]) -> None:
    """Apply what is missing, each script in one transaction with its version. Raises sqlite3.Error."""
    version = _pragma(connection, "user_version")
    for number, script in enumerate(scripts[version:], version + 1):
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE;\n{script}\n"
                f"PRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = {number};\nCOMMIT;"
            )
        except sqlite3.Error:
            connection.rollback()
            raise


def _create(path: Path) -> None:
    """An empty file with the right mode, unless there is one. SQLite's own would be open to every reader."""
    if not path.parent.exists():
        path.parent.mkdir(_FOLDER_MODE)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, _FILE_MODE))


def _refuse_foreign(path: Path, newest: int) -> None:
    stamp = _stamp(path)
    if stamp == _EMPTY:
        return
    if stamp.application_id != APPLICATION_ID:
        raise StoreRefused(
            f"The file {path} is not a database of evgate. Move it away, or set [store] path to another file."
        )
    if not 0 < stamp.version <= newest:
        raise StoreRefused(
            f"The store {path} has version {stamp.version}, and this evgate knows versions up to {newest}. "
            "It was left as it is. Install the newer evgate again, or move the file away together with "
            f"{path}-wal and start with an empty store."
        )


def _stamp(path: Path) -> _Stamp:
    """Read without leaving a trace. Raises Damaged, StoreRefused or sqlite3.Error."""
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    logged = _holds(path, "-wal")
    if not header and not logged:
        return _EMPTY
    cut_short = len(header) < _HEADER_BYTES and _MAGIC.startswith(header[: len(_MAGIC)])
    lost = cut_short or not any(header)
    if not lost and not header.startswith(_MAGIC):
        raise StoreRefused(f"The file {path} is not a database. Move it away, or set [store] path to another file.")
    undone = _holds(path, "-journal")  # the power went while the database was made: SQLite takes that back
    if header and logged and not undone:
        # The log is newer than the header, and may have what the file lost.
        try:
            return _stamp_in_log(path)
        except sqlite3.Error as error:
            if primary_code(error) not in DAMAGED:
                raise
    if not lost:
        schema, version, application_id = struct.unpack_from(">I16xi4xI", header, 40)
        return _Stamp(application_id, version, schema)
    if undone:
        return _EMPTY
    raise Damaged("its header is lost")


def _holds(path: Path, suffix: str) -> bool:
    file = Path(f"{path}{suffix}")
    return file.exists() and file.stat().st_size > 0


def _stamp_in_log(path: Path) -> _Stamp:
    """With the log, as SQLite reads it. A read-only connection changes neither; its index is removed."""
    index = Path(f"{path}-shm")
    indexed_before = index.exists()
    try:
        with closing(sqlite3.connect(_uri(path, "ro"), uri=True, timeout=BUSY_TIMEOUT_S)) as connection:
            return _Stamp(
                _pragma(connection, "application_id"),
                _pragma(connection, "user_version"),
                _pragma(connection, "schema_version"),
            )
    finally:
        if not indexed_before:
            index.unlink(missing_ok=True)


def _configure(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # Cards rot silently: better told at the start than when a charger is answered from a bad page.
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise Damaged(" ".join(verdict.removeprefix("*** in database main ***").split()))
    # A log whose last sync failed may have a hole on the card, and nothing behind a hole survives a power
    # cut. So what an earlier connection left in the log is moved into the file, and the log begins anew.
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)


def _uri(path: Path, mode: str) -> str:
    return f"{path.absolute().as_uri()}?mode={mode}"
