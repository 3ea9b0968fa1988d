-- What people say about a page, and the views that they keep of it. `owner` is the digest of a secret that only the
-- visitor's browser has: who has it may change what it wrote.
CREATE TABLE comment (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    room TEXT NOT NULL,
    -- The first comment of the thread; none for that one itself.
    thread BIGINT REFERENCES comment (id) ON DELETE CASCADE,
    owner TEXT NOT NULL,
    author TEXT NOT NULL,
    text TEXT NOT NULL,
    -- What the thread is about, and the view in which it was begun: the page's own JSON.
    anchor TEXT NOT NULL DEFAULT '',
    view TEXT NOT NULL DEFAULT '',
    at_ms BIGINT NOT NULL,
    edited_ms BIGINT,
    -- Of the first comment: when it was settled, and by whom.
    resolved_ms BIGINT,
    resolved_by TEXT NOT NULL DEFAULT ''
);

CREATE INDEX comment_room ON comment (room, id);
CREATE INDEX comment_thread ON comment (thread);

CREATE TABLE comment_read (
    room TEXT NOT NULL,
    visitor TEXT NOT NULL,
    up_to BIGINT NOT NULL,
    PRIMARY KEY (room, visitor)
);

CREATE TABLE saved_view (
    code TEXT PRIMARY KEY,
    room TEXT NOT NULL,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    author TEXT NOT NULL,
    view TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL
);

CREATE INDEX saved_view_room ON saved_view (room, changed_ms);
