-- What is known of chargers, their connectors, faults and sessions: one row is one record of `core/memory.py`, a column has
-- the name of its field. `key` is the identity, case-folded as in `stations`, but no reference to it: what a charger told
-- may be written a moment before its own row, and a row of `stations` that cannot be read must not take these with it.
--
-- Words of peers are ANY as in `stations`, and so are their numbers: one beyond 64 bits is kept as text. What is nested
-- (`boot`, `previous`, `energy`, `phases`) is JSON, without what has its default. Times are RFC 3339 in UTC with
-- microseconds; yes and no are 1 and 0.
--
-- A commit writes whole pages, and every index is one more. So faults and sessions are found by `id`, which is
-- number * 65536, plus 1, 2, ... for further chargers with the same number. Numbers are times: what is written together
-- stands on the same pages, whichever chargers it is of, and what is old stands together for the day it goes.

CREATE TABLE chargers (
  key              ANY PRIMARY KEY NOT NULL,
  boot             ANY,
  last_boot        TEXT,
  registered       ANY,
  heartbeat_s      ANY,
  protocol         ANY,
  remote_addr      ANY,
  security_profile INTEGER NOT NULL,
  untriggerable    ANY,
  relative_meter   INTEGER NOT NULL
) STRICT;

CREATE TABLE connectors (
  key               ANY NOT NULL,
  connector_id      ANY NOT NULL,          -- 0 is the whole charger
  status            ANY NOT NULL,
  error_code        ANY NOT NULL,
  info              ANY,
  vendor_id         ANY,
  vendor_error_code ANY,
  charger_ts        ANY,
  reported_at       TEXT,
  condition         TEXT NOT NULL,
  since             TEXT NOT NULL,
  previous          ANY,
  ended             INTEGER NOT NULL,
  transition        TEXT,
  unexpected        INTEGER NOT NULL,
  visit             INTEGER,
  plugged_at        TEXT,
  PRIMARY KEY (key, connector_id)
) STRICT;

CREATE TABLE faults (
  id                INTEGER PRIMARY KEY,
  key               ANY NOT NULL,
  number            INTEGER NOT NULL,
  connector_id      ANY NOT NULL,
  code              ANY NOT NULL,
  vendor_id         ANY,
  vendor_error_code ANY,
  info              ANY,
  severity          TEXT NOT NULL,
  raised            TEXT NOT NULL,
  last_seen         TEXT NOT NULL,
  occurrences       INTEGER NOT NULL,
  pre_fault_status  ANY,
  transaction_id    ANY,
  cleared           TEXT,                  -- NULL while it lasts
  cleared_by        ANY
) STRICT;

-- Those that last are read at every start.
CREATE INDEX faults_lasting ON faults (cleared) WHERE cleared IS NULL;

CREATE TABLE sessions (
  id              INTEGER PRIMARY KEY,
  key             ANY NOT NULL,
  number          INTEGER NOT NULL,
  connector_id    ANY NOT NULL,
  energy          ANY NOT NULL,
  transaction_id  ANY,
  id_tag          ANY,                     -- what may be shown of it
  started         TEXT,
  ended           TEXT,
  charger_ts      ANY,
  stop_reason     ANY,
  revision        INTEGER NOT NULL,        -- 0 until it has ended
  visit           INTEGER,
  plugged_at      TEXT,
  unplugged_at    TEXT,
  phases          ANY NOT NULL,            -- with room for more: see `sqlite_store/phases.py`
  charging_s      REAL NOT NULL,
  max_power_w     REAL,
  soc_start_pct   REAL,
  soc_pct         REAL,
  started_late    INTEGER NOT NULL,
  start_told      INTEGER NOT NULL,
  ended_late      INTEGER NOT NULL,
  duration_s      REAL NOT NULL,
  counted_at      TEXT,
  start_delivered INTEGER NOT NULL,
  stop_delivered  INTEGER NOT NULL,
  signed          INTEGER NOT NULL
) STRICT;

-- The open ones, and of each connector the last that ended, are read at every start. Neither index changes while a
-- session goes on, and only the small one when it ends.
CREATE INDEX sessions_open ON sessions (revision) WHERE revision = 0;
CREATE INDEX sessions_of ON sessions (key, connector_id);

-- Tags are hashed with a secret that belongs to this database: a hash tells nothing to whoever has only the hashes.
CREATE TABLE site_secret (
  one     INTEGER PRIMARY KEY CHECK (one = 1),
  tag_key BLOB NOT NULL
) STRICT;

INSERT INTO site_secret VALUES (1, randomblob(32));
