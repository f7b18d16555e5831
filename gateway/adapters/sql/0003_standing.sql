-- By what right a charger is known: `configured`, `accepted` (it came while everybody was let in) or `adopted`.
--
-- Rows of before were written for chargers that were let in, and they stay let in.

ALTER TABLE stations ADD COLUMN standing TEXT NOT NULL DEFAULT 'accepted'
  CHECK (standing IN ('configured', 'accepted', 'adopted'));

-- The connectors that ever stood on MQTT, as numbers with blanks between them: a charger that is forgotten leaves no topic.
ALTER TABLE stations ADD COLUMN connectors TEXT NOT NULL DEFAULT '';
