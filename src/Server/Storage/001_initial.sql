-- Portable: TEXT, BIGINT, composite keys and ON CONFLICT mean the same to SQLite and PostgreSQL. Times are epoch milliseconds.

-- Daily points (kind 0) and hourly tokens (kind 1) of rendezvous.
CREATE TABLE meeting_points (
    kind       INTEGER NOT NULL,
    hash       TEXT    NOT NULL,
    peer_id    TEXT    NOT NULL,
    relay_id   TEXT    NOT NULL,
    dead_drop  TEXT    NOT NULL,
    -- The session that holds a token, and that it goes with; 0 for a point.
    owner      BIGINT  NOT NULL,
    -- Counts up with every write, over the whole table: what is oldest.
    written    BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL,
    PRIMARY KEY (kind, hash, peer_id)
);
CREATE UNIQUE INDEX meeting_points_written ON meeting_points (written);
CREATE INDEX meeting_points_peer ON meeting_points (peer_id, written);
CREATE INDEX meeting_points_expiry ON meeting_points (expires_at, written);
-- The newest of one hash are found without a look at the rest, however many peers share it.
CREATE INDEX meeting_points_drops ON meeting_points (hash, written) WHERE kind = 0 AND dead_drop <> '';
CREATE INDEX meeting_points_tokens ON meeting_points (hash, written) WHERE kind = 1;

-- How many rows of each kind there are: counting them takes too long to do it for every message.
CREATE TABLE meeting_counts (
    kind  INTEGER NOT NULL PRIMARY KEY,
    total BIGINT  NOT NULL
);
INSERT INTO meeting_counts (kind, total) VALUES (0, 0), (1, 0);

-- Chunks that were pushed and are served from here. A row is written once; of two for one chunk the later holds.
CREATE TABLE chunk_cache (
    id         INTEGER NOT NULL PRIMARY KEY,
    chunk_id   TEXT    NOT NULL,
    channel_id TEXT    NOT NULL,
    -- SHA-256 of data, in base64.
    digest     TEXT    NOT NULL,
    cached_at  BIGINT  NOT NULL,
    -- The JSON value as it came; last, so that reading the other columns does not touch it.
    data       BLOB    NOT NULL
);
