-- The scores of a task's runs as columns: what the page of a task with very many runs
-- is drawn from. All of it is derived from the rows of `run` and `evaluation`.

-- Some of a task's runs, in the order of their ids; no other chunk has a run between
-- them. An id is never given to another chunk, and a chunk never changes. `data` is
-- packed as crates/store/src/scores/packed.rs says.
CREATE TABLE score_chunk (
    id BIGINT PRIMARY KEY,
    task_id BIGINT NOT NULL REFERENCES task (id),
    first_run BIGINT NOT NULL,
    runs BIGINT NOT NULL,
    data BYTEA NOT NULL
);
CREATE INDEX score_chunk_by_task ON score_chunk (task_id, first_run);

-- One measure of a chunk's runs, and how many of them have it.
CREATE TABLE score_column (
    chunk_id BIGINT NOT NULL REFERENCES score_chunk (id),
    measure TEXT NOT NULL,
    runs BIGINT NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (chunk_id, measure)
);

-- Runs that were added, changed or deleted since their task's chunks were written: of
-- these the rows count, not the chunks. `revision` is the catalogue's when it happened.
CREATE TABLE score_pending (
    task_id BIGINT NOT NULL REFERENCES task (id),
    run_id BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (task_id, run_id)
);
INSERT INTO score_pending (task_id, run_id, revision) SELECT task_id, id, revision FROM run;
