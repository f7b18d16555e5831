-- By what right a charger is known: `configured`, `accepted` (it came while everybody was let in) or `adopted`.
--
-- Rows of before were written for chargers that were let in, and they stay let in.

ALTER TABLE stations ADD COLUMN standing TEXT NOT NULL DEFAULT 'accepted'
  CHECK (standing IN ('configured', 'accepted', 'adopted'));
