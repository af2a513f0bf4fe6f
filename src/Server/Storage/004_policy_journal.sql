-- The policy that relays on one PostgreSQL database share: the journal of what operators change. A relay on a SQLite file keeps it in a file
-- of its own.
CREATE TABLE policy_journal (
    -- Counts up by one, without gaps.
    position BIGINT NOT NULL PRIMARY KEY,
    -- The writer's mark. A change whose commit was not answered may be tried again and is stored once.
    id       TEXT   NOT NULL,
    -- The revision that is in force after it.
    revision BIGINT NOT NULL,
    -- The relay that wrote it.
    node     TEXT   NOT NULL,
    -- What becomes of connected clients that the change excludes: '', idle, newest, banned.
    evict    TEXT   NOT NULL,
    -- The entry, as in the file.
    line     TEXT   NOT NULL
);
CREATE UNIQUE INDEX policy_journal_id ON policy_journal (id);
