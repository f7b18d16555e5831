-- How far the clock of this machine was trusted, and in which boot of the machine: one row, worth nothing in another boot.
--
-- `true_time` was the time when CLOCK_BOOTTIME stood at `boottime_s`; unlike an offset, that stays right when the wall clock
-- is set. Times are RFC 3339 in UTC with microseconds.

CREATE TABLE clock_trust (
  one        INTEGER PRIMARY KEY CHECK (one = 1),
  boot_id    TEXT NOT NULL,
  trust      TEXT NOT NULL CHECK (trust IN ('synced', 'learned')),
  source     TEXT NOT NULL,              -- who told: the operating system's word for it, or the name of an upstream
  true_time  TEXT NOT NULL,
  boottime_s REAL NOT NULL,
  accuracy_s REAL NOT NULL
) STRICT;
