-- Rendezvous rows belong to a name and the key that it came with, and count against the address that wrote them. Rows from before have
-- neither.
CREATE TABLE meeting_points_2 (
    kind       INTEGER NOT NULL,
    hash       TEXT    NOT NULL,
    peer_id    TEXT    NOT NULL,
    -- A pseudonym of what kind of name it is and of its public key.
    name_key   TEXT    NOT NULL,
    -- A pseudonym of the writer's address, written as an IPv6 address.
    address    TEXT    NOT NULL,
    relay_id   TEXT    NOT NULL,
    dead_drop  TEXT    NOT NULL,
    -- The session that holds a token, and that it goes with; 0 for a point.
    owner      BIGINT  NOT NULL,
    -- Counts up with every write, over the whole table: what is oldest.
    written    BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL,
    PRIMARY KEY (kind, hash, peer_id, name_key)
);
INSERT INTO meeting_points_2 (kind, hash, peer_id, name_key, address, relay_id, dead_drop, owner, written, expires_at)
    SELECT kind, hash, peer_id, '', 'unresolved', relay_id, dead_drop, owner, written, expires_at FROM meeting_points;
DROP TABLE meeting_points;
ALTER TABLE meeting_points_2 RENAME TO meeting_points;
CREATE UNIQUE INDEX meeting_points_written ON meeting_points (written);
CREATE INDEX meeting_points_peer ON meeting_points (peer_id, name_key, written);
CREATE INDEX meeting_points_address ON meeting_points (address, written);
CREATE INDEX meeting_points_expiry ON meeting_points (expires_at, written);
-- The newest of one hash are found without a look at the rest, however many peers share it.
CREATE INDEX meeting_points_drops ON meeting_points (hash, written) WHERE kind = 0 AND dead_drop <> '';
CREATE INDEX meeting_points_tokens ON meeting_points (hash, written) WHERE kind = 1;

-- Counts up with every change of the rows. What the relay remembers of them was counted at one of these; after a rollback it is another.
CREATE TABLE meeting_revision (
    revision BIGINT NOT NULL
);
INSERT INTO meeting_revision (revision) VALUES (0);

-- The address that pushed a chunk, as a pseudonym too: what it counts against in the cache.
ALTER TABLE chunk_cache ADD COLUMN address TEXT NOT NULL DEFAULT 'unresolved';
