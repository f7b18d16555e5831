"""The rows of a station, from and to `StationRecord`. What stands there already is not written again."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from datetime import datetime
from typing import Any

from gateway.adapters.sqlite_store.columns import Stored, loaded, stored, time_text
from gateway.core.record import Standing, StationRecord
from gateway.runtime.ports import StoreFailed

_SAVE_STATION = """
INSERT INTO stations (key, identity, slug, first_seen, subprotocol, credential_hash, standing, connectors)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET
  identity = excluded.identity,
  slug = excluded.slug,
  first_seen = excluded.first_seen,
  subprotocol = excluded.subprotocol,
  credential_hash = excluded.credential_hash,
  standing = excluded.standing,
  connectors = excluded.connectors
WHERE (
  stations.identity, stations.slug, stations.first_seen, stations.subprotocol, stations.credential_hash,
  stations.standing, stations.connectors
) IS NOT (
  excluded.identity, excluded.slug, excluded.first_seen, excluded.subprotocol, excluded.credential_hash,
  excluded.standing, excluded.connectors
)
"""
_SAVE_UPSTREAM = """
INSERT INTO station_upstreams (station, upstream, accepted_at) VALUES (?, ?, ?)
ON CONFLICT (station, upstream) DO UPDATE SET accepted_at = excluded.accepted_at
WHERE station_upstreams.accepted_at <> excluded.accepted_at
"""
_LOAD_UPSTREAMS = "SELECT station, upstream, accepted_at FROM station_upstreams"
_LOAD_STATIONS = """
SELECT station, identity, slug, first_seen, subprotocol, credential_hash, standing, connectors
FROM stations ORDER BY station
"""


def save_station(connection: sqlite3.Connection, record: StationRecord) -> None:
    """Make the row of this station, found by its key, equal to the record. Raises sqlite3.Error."""
    key = stored(record.key)
    connection.execute(
        _SAVE_STATION,
        (
            key,
            stored(record.identity),
            stored(record.slug),
            time_text(record.first_seen),
            None if record.subprotocol is None else stored(record.subprotocol),
            None if record.credential_hash is None else stored(record.credential_hash),
            record.standing.value,
            " ".join(map(str, sorted(record.connectors))),
        ),
    )
    (station,) = connection.execute("SELECT station FROM stations WHERE key = ?", (key,)).fetchone()
    wanted = {stored(upstream): time_text(at) for upstream, at in record.accepted.items()}
    standing = connection.execute("SELECT upstream FROM station_upstreams WHERE station = ?", (station,)).fetchall()
    for (upstream,) in standing:
        if upstream not in wanted:
            connection.execute("DELETE FROM station_upstreams WHERE station = ? AND upstream = ?", (station, upstream))
    connection.executemany(_SAVE_UPSTREAM, [(station, upstream, at) for upstream, at in wanted.items()])


def forget_station(connection: sqlite3.Connection, key: str) -> None:
    """Leave no row of the station with this key. Raises sqlite3.Error."""
    connection.execute("DELETE FROM stations WHERE key = ?", (stored(key),))


def load_stations(connection: sqlite3.Connection) -> list[StationRecord]:
    """Every station, in the order first seen. Raises sqlite3.Error, or StoreFailed for an unreadable row."""
    upstreams: defaultdict[int, list[tuple[Stored, str]]] = defaultdict(list)
    for station, upstream, at in connection.execute(_LOAD_UPSTREAMS):
        upstreams[station].append((upstream, at))
    return [_record(row, upstreams[row[0]]) for row in connection.execute(_LOAD_STATIONS)]


def _record(row: tuple[Any, ...], upstreams: list[tuple[Stored, str]]) -> StationRecord:
    station, identity, slug, first_seen, subprotocol, credential_hash, standing, connectors = row
    try:
        return StationRecord(
            identity=loaded(identity),
            slug=loaded(slug),
            first_seen=datetime.fromisoformat(first_seen),
            accepted={loaded(upstream): datetime.fromisoformat(at) for upstream, at in upstreams},
            subprotocol=None if subprotocol is None else loaded(subprotocol),
            credential_hash=None if credential_hash is None else loaded(credential_hash),
            standing=Standing(standing),
            connectors=frozenset(map(int, connectors.split())),
        )
    except ValueError as error:
        raise StoreFailed(
            f"Row {station} of the table stations in the store cannot be read. Stop evgate, remove that row "
            "with the program sqlite3 and start evgate: the charger is learnt anew when it connects."
        ) from error
