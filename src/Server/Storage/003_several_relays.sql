-- Several relays may share a PostgreSQL database. Each start has a number of its own here, which the rows carry that belong to one process:
-- the owners of tokens, the ids of chunks.
CREATE TABLE starts (
    last BIGINT NOT NULL
);
INSERT INTO starts (last) VALUES (0);

-- One row a chunk: whichever relay writes it, the later holds, and the others notice that theirs is gone.
DELETE FROM chunk_cache WHERE id NOT IN (SELECT max(id) FROM chunk_cache GROUP BY channel_id, chunk_id);
CREATE UNIQUE INDEX chunk_cache_chunk ON chunk_cache (channel_id, chunk_id);
CREATE INDEX chunk_cache_age ON chunk_cache (cached_at);

-- What the rows of each kind count for: each 4 KiB of a dead drop, at least one. Relays that share a database have to agree on it.
ALTER TABLE meeting_counts ADD COLUMN weight BIGINT NOT NULL DEFAULT 0;
UPDATE meeting_counts SET weight =
    (SELECT coalesce(sum(CASE WHEN octet_length(dead_drop) > 4096 THEN (octet_length(dead_drop) + 4095) / 4096 ELSE 1 END), 0)
     FROM meeting_points WHERE meeting_points.kind = meeting_counts.kind);
