-- The rooms' log lives in a database of its own: an import that holds the
-- catalogue's only writer must not delay anybody's change in a room.

CREATE TABLE room_op (
    room TEXT NOT NULL,
    seq BIGINT NOT NULL,
    op TEXT NOT NULL,
    PRIMARY KEY (room, seq)
);

CREATE TABLE room_snapshot (
    room TEXT PRIMARY KEY,
    seq BIGINT NOT NULL,
    snapshot TEXT NOT NULL
);
