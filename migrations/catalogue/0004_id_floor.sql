-- The first id of a kind that was given out here, rather than brought along from
-- another server. Of what is there already nobody knows; all of it counts as given
-- out here.

ALTER TABLE counter ADD COLUMN first_given BIGINT;
UPDATE counter SET first_given = 1;
