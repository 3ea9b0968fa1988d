-- A study collects runs, a suite collects tasks; both are rows of `study`.

CREATE TABLE study (
    id BIGINT PRIMARY KEY,
    alias TEXT UNIQUE,
    main_entity TEXT NOT NULL,
    benchmark_suite BIGINT REFERENCES study (id),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    status TEXT NOT NULL,
    creator BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX study_by_suite ON study (benchmark_suite);
CREATE INDEX study_by_creator ON study (creator, id);

-- Repeats the study's kind of entity, so that a run's or a task's studies are one
-- range of one index.
CREATE TABLE study_entity (
    study_id BIGINT NOT NULL REFERENCES study (id),
    kind TEXT NOT NULL,
    entity_id BIGINT NOT NULL,
    PRIMARY KEY (study_id, kind, entity_id)
);
CREATE INDEX study_entity_by_entity ON study_entity (kind, entity_id, study_id);
