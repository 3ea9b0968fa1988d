-- The catalogue. Written so that SQLite and PostgreSQL both accept it: ids are
-- BIGINTs that labboard assigns, times are unix milliseconds, flags are 0 or 1,
-- and what is read back whole but never searched is JSON text.

-- The last id given out per kind (never reused, even after a deletion), and the
-- revision of the catalogue, which grows with every commit.
CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE person (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    key_hash TEXT UNIQUE,
    created_ms BIGINT NOT NULL
);

-- Every uploaded file that an entity refers to; the bytes lie under their hash.
CREATE TABLE file (
    id BIGINT PRIMARY KEY,
    hash TEXT NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size BIGINT NOT NULL,
    upload_ms BIGINT NOT NULL
);
CREATE INDEX file_by_hash ON file (hash);

CREATE TABLE dataset (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    description TEXT NOT NULL,
    format TEXT NOT NULL,
    about TEXT NOT NULL,
    default_target TEXT,
    row_id TEXT,
    ignored TEXT NOT NULL,
    status TEXT NOT NULL,
    uploader BIGINT NOT NULL,
    upload_ms BIGINT NOT NULL,
    md5 TEXT NOT NULL,
    columns_hash TEXT NOT NULL,
    file_id BIGINT REFERENCES file (id),
    row_count BIGINT NOT NULL,
    feature_count BIGINT NOT NULL,
    class_count BIGINT NOT NULL,
    missing_count BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    UNIQUE (name, version)
);
CREATE INDEX dataset_by_columns ON dataset (columns_hash);
CREATE INDEX dataset_by_lower_name ON dataset (lower(name));

CREATE TABLE feature (
    dataset_id BIGINT NOT NULL REFERENCES dataset (id),
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    is_target BIGINT NOT NULL,
    is_ignored BIGINT NOT NULL,
    is_row_id BIGINT NOT NULL,
    missing BIGINT NOT NULL,
    distinct_count BIGINT NOT NULL,
    summary TEXT NOT NULL,
    PRIMARY KEY (dataset_id, position)
);

CREATE TABLE quality (
    dataset_id BIGINT NOT NULL REFERENCES dataset (id),
    name TEXT NOT NULL,
    value DOUBLE PRECISION,
    PRIMARY KEY (dataset_id, name)
);

CREATE TABLE task (
    id BIGINT PRIMARY KEY,
    type_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    dataset_id BIGINT NOT NULL REFERENCES dataset (id),
    target TEXT,
    measure TEXT,
    procedure_id BIGINT,
    procedure_kind TEXT NOT NULL,
    repeats BIGINT,
    folds BIGINT,
    percentage DOUBLE PRECISION,
    stratified BIGINT NOT NULL,
    about TEXT NOT NULL,
    splits_file_id BIGINT REFERENCES file (id),
    uploader BIGINT NOT NULL,
    upload_ms BIGINT NOT NULL,
    fingerprint TEXT NOT NULL UNIQUE,
    revision BIGINT NOT NULL
);
CREATE INDEX task_by_dataset ON task (dataset_id);

CREATE TABLE flow (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    external_version TEXT NOT NULL,
    class_name TEXT,
    custom_name TEXT,
    description TEXT NOT NULL,
    language TEXT,
    dependencies TEXT,
    parameters TEXT NOT NULL,
    uploader BIGINT NOT NULL,
    upload_ms BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    UNIQUE (name, external_version),
    UNIQUE (name, version)
);

CREATE TABLE flow_component (
    flow_id BIGINT NOT NULL REFERENCES flow (id),
    position BIGINT NOT NULL,
    identifier TEXT NOT NULL,
    component_id BIGINT NOT NULL REFERENCES flow (id),
    PRIMARY KEY (flow_id, position)
);
CREATE INDEX flow_component_by_component ON flow_component (component_id);

CREATE TABLE setup (
    id BIGINT PRIMARY KEY,
    flow_id BIGINT NOT NULL REFERENCES flow (id),
    parameters TEXT NOT NULL,
    fingerprint TEXT NOT NULL UNIQUE
);
CREATE INDEX setup_by_flow ON setup (flow_id);

CREATE TABLE run (
    id BIGINT PRIMARY KEY,
    task_id BIGINT NOT NULL REFERENCES task (id),
    flow_id BIGINT NOT NULL REFERENCES flow (id),
    setup_id BIGINT NOT NULL REFERENCES setup (id),
    dataset_id BIGINT NOT NULL REFERENCES dataset (id),
    setup_string TEXT,
    uploader BIGINT NOT NULL,
    upload_ms BIGINT NOT NULL,
    error TEXT,
    revision BIGINT NOT NULL
);
CREATE INDEX run_by_task ON run (task_id);
CREATE INDEX run_by_flow ON run (flow_id);
CREATE INDEX run_by_setup ON run (setup_id);
CREATE INDEX run_by_dataset ON run (dataset_id);
CREATE INDEX run_by_uploader ON run (uploader);
CREATE INDEX run_by_upload ON run (upload_ms);

CREATE TABLE run_file (
    run_id BIGINT NOT NULL REFERENCES run (id),
    role TEXT NOT NULL,
    file_id BIGINT NOT NULL REFERENCES file (id),
    PRIMARY KEY (run_id, role)
);
CREATE INDEX run_file_by_file ON run_file (file_id);

-- Repeats the run's parents so that "task and measure" and "flow and measure"
-- are each one range of one index.
CREATE TABLE evaluation (
    run_id BIGINT NOT NULL REFERENCES run (id),
    measure TEXT NOT NULL,
    task_id BIGINT NOT NULL,
    flow_id BIGINT NOT NULL,
    setup_id BIGINT NOT NULL,
    dataset_id BIGINT NOT NULL,
    uploader BIGINT NOT NULL,
    upload_ms BIGINT NOT NULL,
    value DOUBLE PRECISION,
    deviation DOUBLE PRECISION,
    claimed DOUBLE PRECISION,
    folds TEXT NOT NULL,
    per_class TEXT,
    PRIMARY KEY (run_id, measure)
);
CREATE INDEX evaluation_by_task ON evaluation (task_id, measure, run_id);
CREATE INDEX evaluation_by_flow ON evaluation (flow_id, measure, run_id);
CREATE INDEX evaluation_by_dataset ON evaluation (dataset_id, measure, run_id);
CREATE INDEX evaluation_by_measure ON evaluation (measure, run_id);

CREATE TABLE tag (
    kind TEXT NOT NULL,
    entity_id BIGINT NOT NULL,
    tag TEXT NOT NULL,
    uploader BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (kind, entity_id, tag)
);
CREATE INDEX tag_by_tag ON tag (kind, tag);

-- Runs that Replay publishes one by one. They are documents, not rows of `run`,
-- so that no query can show one before its time. `run_id` is set once a run has
-- been published, and kept when it is held back again, so that its page keeps
-- its address.
CREATE TABLE held_back (
    position BIGINT PRIMARY KEY,
    document TEXT NOT NULL,
    run_id BIGINT,
    is_published BIGINT NOT NULL
);
CREATE INDEX held_back_by_state ON held_back (is_published, position);
