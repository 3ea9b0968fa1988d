-- What a feature stands for, as URLs of ontologies: a JSON list.

ALTER TABLE feature ADD COLUMN ontologies TEXT NOT NULL DEFAULT '[]';
