-- Operations stay when a snapshot is taken, so that people can read who changed what and when.
ALTER TABLE room_op ADD COLUMN at_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE room_op ADD COLUMN author TEXT NOT NULL DEFAULT '';

-- The document now and then: any moment of the history is a few hundred operations behind one of them.
CREATE TABLE room_moment (
    room TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (room, seq)
);

CREATE INDEX room_moment_age ON room_moment (at_ms);
