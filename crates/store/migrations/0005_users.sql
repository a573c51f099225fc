-- A server for a team: who may ask what, and the workflows that it keeps by name.

-- A user who was removed stays, so that what they did goes on having a name. `roles` is a list with commas.
CREATE TABLE users (
    name       TEXT    PRIMARY KEY COLLATE NOCASE,
    roles      TEXT    NOT NULL,
    created_by TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    changed_by TEXT    NOT NULL,
    changed_at INTEGER NOT NULL,
    removed_at INTEGER
) STRICT, WITHOUT ROWID;

-- `id` is the part of a token that may be seen; of the rest, only the hash is kept.
CREATE TABLE tokens (
    id         TEXT    PRIMARY KEY,
    user       TEXT    NOT NULL COLLATE NOCASE,
    hash       BLOB    NOT NULL CHECK (length(hash) = 32),
    created_by TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    used_at    INTEGER,
    revoked_by TEXT,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX tokens_user ON tokens (user);

CREATE TRIGGER a_revoked_token_stays_revoked BEFORE UPDATE ON tokens
WHEN OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NULL
BEGIN
    SELECT RAISE(ABORT, 'the token was revoked');
END;

-- A version of a workflow that was pushed. The definition is in `definitions`, by its digest; `layout` is what a digest leaves out: where its steps stand.
CREATE TABLE revisions (
    workflow  TEXT    NOT NULL,
    revision  INTEGER NOT NULL CHECK (revision > 0),
    name      TEXT    NOT NULL,
    digest    TEXT    NOT NULL,
    layout    TEXT    NOT NULL,
    pushed_by TEXT    NOT NULL,
    pushed_at INTEGER NOT NULL,
    PRIMARY KEY (workflow, revision)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER revisions_are_never_changed BEFORE UPDATE ON revisions
BEGIN
    SELECT RAISE(ABORT, 'revisions are never changed');
END;
