-- The log, its projections, and what is kept beside it.

-- `run` is the number of the run: with its id, a row and its index entry together would be 70 bytes larger.
CREATE TABLE events (
    gseq      INTEGER PRIMARY KEY,
    run       INTEGER NOT NULL,
    seq       INTEGER NOT NULL CHECK (seq > 0),
    at        INTEGER NOT NULL,
    type      TEXT    NOT NULL,
    v         INTEGER NOT NULL,
    payload   TEXT    NOT NULL,
    prev_hash BLOB    NOT NULL,
    hash      BLOB    NOT NULL,
    UNIQUE (run, seq)
) STRICT;

CREATE TABLE runs (
    number        INTEGER PRIMARY KEY,
    id            TEXT    NOT NULL UNIQUE,
    workflow      TEXT    NOT NULL,
    workflow_name TEXT    NOT NULL,
    digest        TEXT    NOT NULL,
    path          TEXT,
    work_dir      TEXT,
    status        TEXT    NOT NULL,
    outcome       TEXT,
    started_at    INTEGER NOT NULL,
    ended_at      INTEGER,
    started_by    TEXT,
    seq           INTEGER NOT NULL,
    steps_done    INTEGER NOT NULL,
    steps_total   INTEGER NOT NULL,
    waiting_for   TEXT    NOT NULL,
    error         TEXT,
    parent_run    TEXT,
    parent_step   TEXT
) STRICT;

CREATE INDEX runs_open ON runs (number) WHERE ended_at IS NULL;
CREATE INDEX runs_workflow ON runs (workflow, number);
CREATE INDEX runs_parent ON runs (parent_run, number) WHERE parent_run IS NOT NULL;

CREATE TABLE questions (
    run        TEXT    NOT NULL,
    step       TEXT    NOT NULL,
    question   TEXT    NOT NULL,
    asked_at   INTEGER NOT NULL,
    answers    TEXT    NOT NULL,
    is_outcome INTEGER NOT NULL,
    PRIMARY KEY (run, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE definitions (
    digest TEXT PRIMARY KEY,
    text   TEXT NOT NULL
) STRICT;

CREATE TABLE drafts (
    key      TEXT    PRIMARY KEY,
    base     TEXT,
    document TEXT    NOT NULL,
    at       INTEGER NOT NULL
) STRICT;

CREATE TABLE recents (
    path TEXT    PRIMARY KEY,
    name TEXT    NOT NULL,
    at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE trusted (
    digest TEXT    PRIMARY KEY,
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never changed');
END;

CREATE TRIGGER events_are_never_removed BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never removed');
END;

-- Whoever writes events moves the run row on in the same transaction, so this also keeps events from following an
-- end. A trigger on every event would say the same, and doubles the time that an insert takes.
CREATE TRIGGER an_ended_run_is_final BEFORE UPDATE ON runs
WHEN OLD.ended_at IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'the run has ended');
END;

CREATE TRIGGER runs_are_never_removed BEFORE DELETE ON runs
BEGIN
    SELECT RAISE(ABORT, 'runs are never removed');
END;
