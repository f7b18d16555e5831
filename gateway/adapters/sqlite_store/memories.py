"""Chargers, connectors, faults and sessions: one row for each record of `core/memory.py`.

A column has the name of its field; the report of a connector stands in columns of its own.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from gateway.adapters.sqlite_store.columns import Column, from_column, hints_of, stored, to_column
from gateway.adapters.sqlite_store.phases import phases_from, phases_text
from gateway.core.memory import ChargerRecord, ConnectorRecord, Durable, FaultRecord, Memory, SessionRecord
from gateway.core.reports import StatusReported

_Kind = Callable[..., Durable]

IDS_EACH = 65536
"""For one number: so many chargers may have faults or sessions of the same second."""

_OWN_TEXT = {"phases": (phases_text, phases_from)}
"""Columns that are written otherwise than their type would be."""

log = logging.getLogger(__name__)


class _Table:
    """A table, and the record of which it holds one to a row."""

    def __init__(self, name: str, kind: _Kind, identity: tuple[str, ...], spread: str | None = None) -> None:
        self.name = name
        self.kind = kind
        self.identity = identity
        self._spread = spread
        self._inner = hints_of(StatusReported) if spread else {}
        self._outer = {column: hint for column, hint in hints_of(kind).items() if column != spread}
        self.hints = {**self._inner, **self._outer}
        self.written = ("key", *self.hints)
        self.columns = ", ".join(f"{name}.{column}" for column in self.written)

    def row(self, key: str, record: Durable) -> list[Column]:
        """The columns of this record."""
        inner = getattr(record, self._spread) if self._spread else record
        return [
            stored(key),
            *(to_column(getattr(inner, column)) for column in self._inner),
            *(_written(column, getattr(record, column)) for column in self._outer),
        ]

    def record(self, row: tuple[Any, ...]) -> Any:
        """The record of these columns. Raises ValueError."""
        found: dict[str, Any] = {
            column: _OWN_TEXT[column][1](value) if column in _OWN_TEXT else from_column(hint, value)
            for (column, hint), value in zip(self.hints.items(), row[1:], strict=True)
        }
        if self._spread:
            inner = {column: found.pop(column) for column in self._inner}
            found[self._spread] = StatusReported(**inner)
        return self.kind(**found)


def _written(column: str, value: Any) -> Column:
    return _OWN_TEXT[column][0](value) if column in _OWN_TEXT else to_column(value)


CHARGERS = _Table("chargers", ChargerRecord, ("key",))
CONNECTORS = _Table("connectors", ConnectorRecord, ("key", "connector_id"), spread="report")
FAULTS = _Table("faults", FaultRecord, ("number", "key"))
SESSIONS = _Table("sessions", SessionRecord, ("number", "key"))
TABLES = (CHARGERS, CONNECTORS, FAULTS, SESSIONS)
_TABLE_OF = {table.kind: table for table in TABLES}

# The conditions are those of the indexes, to the letter: otherwise whole tables are read.
_FORGET = (
    "DELETE FROM chargers WHERE key = ?",
    "DELETE FROM connectors WHERE key = ?",
    "DELETE FROM faults WHERE key = ?",
    "DELETE FROM sessions WHERE key = ?",
)
_LASTING_FAULTS = "WHERE cleared IS NULL ORDER BY id"
# Its number is not given a second time.
_NEWEST_FAULT = "WHERE cleared IS NOT NULL AND id IN (SELECT max(id) FROM faults GROUP BY key)"
_OPEN_SESSIONS = "WHERE revision = 0"
_LAST_ENDED = """
WHERE id IN (
  SELECT (
    SELECT max(ended.id) FROM sessions AS ended
    WHERE ended.key = place.key AND ended.connector_id = place.connector_id AND ended.revision > 0
  ) FROM (SELECT DISTINCT key, connector_id FROM sessions) AS place
)
"""


@dataclass(slots=True)
class _Gathered:
    """The records of one charger while they are read."""

    charger: ChargerRecord | None = None
    connectors: list[ConnectorRecord] = field(default_factory=list)
    faults: list[FaultRecord] = field(default_factory=list)
    sessions: list[SessionRecord] = field(default_factory=list)

    def memory(self) -> Memory:
        connectors = sorted(self.connectors, key=lambda connector: connector.connector_id)
        faults = sorted(self.faults, key=lambda fault: fault.number)
        sessions = sorted(self.sessions, key=lambda session: session.number)
        return Memory(self.charger, tuple(connectors), tuple(faults), tuple(sessions))


def remember(connection: sqlite3.Connection, key: str, record: Durable) -> None:
    """Make the row of this record equal to it; one that is equal is not written. Raises sqlite3.Error."""
    table = _TABLE_OF[type(record)]
    row = dict(zip(table.written, table.row(key, record), strict=True))
    numbered = isinstance(record, FaultRecord | SessionRecord)
    first = record.number * IDS_EACH if isinstance(record, FaultRecord | SessionRecord) else 0
    which: tuple[Column, ...] = tuple(row[column] for column in table.identity)
    where = " AND ".join(f"{column} = ?" for column in table.identity)
    if numbered:
        which, where = (first, first + IDS_EACH - 1, *which), f"id BETWEEN ? AND ? AND {where}"
    comparison = ", ".join(f"{column} IS ?" for column in row)
    equal = connection.execute(
        f"SELECT {comparison} FROM {table.name} WHERE {where}",  # noqa: S608 - names of fields, not of peers
        (*row.values(), *which),
    ).fetchone()
    if equal is None:
        if numbered:
            row["id"] = _free_id(connection, table, first)
        connection.execute(
            f"INSERT INTO {table.name} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",  # noqa: S608 - as above
            tuple(row.values()),
        )
    elif not all(equal):
        # Only what differs is set: SQLite writes an index with each of its columns that is set, even to what it was.
        changed = {column: value for (column, value), same in zip(row.items(), equal, strict=True) if not same}
        setting = ", ".join(f"{column} = ?" for column in changed)
        connection.execute(
            f"UPDATE {table.name} SET {setting} WHERE {where}",  # noqa: S608 - as above
            (*changed.values(), *which),
        )


def _free_id(connection: sqlite3.Connection, table: _Table, first: int) -> int:
    """After those of other chargers with the same number."""
    (last,) = connection.execute(
        f"SELECT max(id) FROM {table.name} WHERE id BETWEEN ? AND ?",  # noqa: S608 - names from here
        (first, first + IDS_EACH - 1),
    ).fetchone()
    return first if last is None else int(last) + 1


def forget(connection: sqlite3.Connection, key: str) -> None:
    """Leave no record of the station with this key. Raises sqlite3.Error."""
    for statement in _FORGET:
        connection.execute(statement, (stored(key),))


def load_memories(connection: sqlite3.Connection) -> dict[str, Memory]:
    """What is remembered of each station by key; a row that nobody can read is left out. Raises sqlite3.Error."""
    found: dict[str, _Gathered] = {}

    def of(key: str) -> _Gathered:
        return found.setdefault(key, _Gathered())

    for key, charger in _read(connection, CHARGERS):
        of(key).charger = charger
    for key, connector in _read(connection, CONNECTORS):
        of(key).connectors.append(connector)
    for which in (_LASTING_FAULTS, _NEWEST_FAULT):
        for key, fault in _read(connection, FAULTS, which):
            of(key).faults.append(fault)
    for which in (_OPEN_SESSIONS, _LAST_ENDED):
        for key, session in _read(connection, SESSIONS, which):
            of(key).sessions.append(session)
    return {key: gathered.memory() for key, gathered in found.items()}


def load_tag_key(connection: sqlite3.Connection) -> bytes:
    """The secret with which this database hashes tags. Raises sqlite3.Error."""
    (tag_key,) = connection.execute("SELECT tag_key FROM site_secret").fetchone()
    return bytes(tag_key)


def _read(connection: sqlite3.Connection, table: _Table, which: str = "") -> Iterator[tuple[str, Any]]:
    for row in connection.execute(f"SELECT {table.columns} FROM {table.name} {which}"):  # noqa: S608 - names from here
        try:
            yield from_column(str, row[0]), table.record(row)
        except (ValueError, TypeError) as error:
            columns = dict(zip(("key", *table.hints), row, strict=True))
            log.warning(
                "A row of the table %s in the store cannot be read (%s) and was left out; all others were read: %s. "
                "The charger tells of it again sooner or later; to look at the row use the program sqlite3.",
                table.name,
                error,
                ", ".join(f"{column} {columns[column]!r}" for column in table.identity),
            )
