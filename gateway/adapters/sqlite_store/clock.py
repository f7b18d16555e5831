"""What is known of the clock: one row, from and to `TrustRecord`."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

from gateway.adapters.sqlite_store.columns import time_text
from gateway.core.clock_trust import TimeSample, Trust, TrustRecord

_SAVE = """
INSERT OR REPLACE INTO clock_trust (one, boot_id, trust, source, true_time, boottime_s, accuracy_s)
VALUES (1, ?, ?, ?, ?, ?, ?)
"""
_LOAD = "SELECT boot_id, trust, source, true_time, boottime_s, accuracy_s FROM clock_trust"


def save_trust(connection: sqlite3.Connection, record: TrustRecord) -> None:
    """Make the row equal to the record. Raises sqlite3.Error."""
    sample = record.sample
    time = time_text(sample.time)
    values = (record.boot_id, record.trust.value, sample.source, time, sample.boottime_s, sample.accuracy_s)
    connection.execute(_SAVE, values)


def load_trust(connection: sqlite3.Connection) -> TrustRecord | None:
    """The row; None if there is none, or one that nobody can read: it is soon replaced. Raises sqlite3.Error."""
    row = connection.execute(_LOAD).fetchone()
    if row is None:
        return None
    boot_id, trust, source, time, boottime_s, accuracy_s = row
    try:
        at = datetime.fromisoformat(time).astimezone(UTC)
    except ValueError:
        return None
    return TrustRecord(boot_id, Trust(trust), TimeSample(source, at, boottime_s, accuracy_s))
