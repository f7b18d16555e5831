"""What goes: sessions that ended and faults that were cleared, by age and by the space they take; never what is open.

Numbers are times, so the old ones stand together at the beginning of their table, and no scan is needed to find them.
"""

from __future__ import annotations

import sqlite3
from heapq import merge
from itertools import islice

from gateway.adapters.sqlite_store.columns import time_text
from gateway.adapters.sqlite_store.memories import IDS_EACH
from gateway.runtime.ports import Retention

AT_ONCE = 100
"""Rows that go in one transaction: some 150 kB of log and a few ms of work. A charger's commit waits no longer."""

_EXPIRED = (
    """
DELETE FROM sessions WHERE id IN (
  SELECT id FROM sessions
  WHERE id < :sessions_id AND revision > 0 AND coalesce(ended, '') < :sessions_before
  ORDER BY id LIMIT :most)
""",
    """
DELETE FROM faults WHERE id IN (
  SELECT id FROM faults WHERE id < :faults_id AND cleared < :faults_before ORDER BY id LIMIT :most)
""",
)
_OLDEST = (
    "SELECT id, 'sessions' FROM sessions WHERE revision > 0 ORDER BY id LIMIT ?",
    "SELECT id, 'faults' FROM faults WHERE cleared IS NOT NULL ORDER BY id LIMIT ?",
)


def drop_expired(connection: sqlite3.Connection, before: Retention) -> int:
    """Delete some of what is too old; how many rows went, 0 when all are gone. Raises sqlite3.Error."""
    times = {
        "sessions_id": before.sessions_before.timestamp() * IDS_EACH,
        "sessions_before": time_text(before.sessions_before),
        "faults_id": before.faults_before.timestamp() * IDS_EACH,
        "faults_before": time_text(before.faults_before),
        "most": AT_ONCE,
    }
    return sum(connection.execute(statement, times).rowcount for statement in _EXPIRED)


def drop_oldest(connection: sqlite3.Connection, before: Retention) -> int:
    """Delete some of the oldest while too much space is taken; how many rows went. Raises sqlite3.Error."""
    if used_bytes(connection) <= before.quota_bytes:
        return 0
    rows = (connection.execute(statement, (AT_ONCE,)).fetchall() for statement in _OLDEST)
    oldest = list(islice(merge(*rows), AT_ONCE))
    for row, table in oldest:
        connection.execute(f"DELETE FROM {table} WHERE id = ?", (row,))  # noqa: S608 - one of the two above
    return len(oldest)


def used_bytes(connection: sqlite3.Connection) -> int:
    """Pages that hold something. Free ones are filled again before the file grows, so it never outgrows the quota by
    more than a day's records; handing them back to the disk would write the whole file anew. Raises sqlite3.Error."""
    counts = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "freelist_count", "page_size"))
    pages, free, page_bytes = (int(count) for (count,) in counts)
    return (pages - free) * page_bytes
