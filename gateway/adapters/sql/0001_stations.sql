-- Every charger that was let in at least once.
--
-- One row of `stations` is one station. "Upstream name -> accepted" is a list, so it stands in rows of its own: what is
-- kept per station and upstream (cursors, transaction ids) refers to the same pair, and a renewed time rewrites one short
-- row instead of the station's.
--
-- Words of chargers and upstreams are TEXT, or BLOB (UTF-8 with surrogates passed) where TEXT cannot hold them: NUL and
-- lone surrogates. Therefore ANY. Times are RFC 3339 in UTC with microseconds.

CREATE TABLE stations (
  station         INTEGER PRIMARY KEY,   -- grows: the order in which they were first seen, whatever the clock said
  identity        ANY NOT NULL,          -- as first seen
  key             ANY NOT NULL UNIQUE,   -- the identity, case-folded
  slug            ANY NOT NULL UNIQUE,
  first_seen      TEXT NOT NULL,
  subprotocol     ANY,
  credential_hash ANY
) STRICT;

CREATE TABLE station_upstreams (
  station     INTEGER NOT NULL REFERENCES stations ON DELETE CASCADE,
  upstream    ANY NOT NULL,
  accepted_at TEXT NOT NULL,
  PRIMARY KEY (station, upstream)
) STRICT, WITHOUT ROWID;
