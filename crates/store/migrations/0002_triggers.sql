-- What starts runs without a person: which triggers act, what they fired, and what their sources remember.

-- A trigger that was activated. The row stays when it is taken back, so that revisions go on rising.
-- `cursor` says up to where its source has looked: an instant for a schedule, a position in the log for the end of runs.
CREATE TABLE activations (
    workflow      TEXT    NOT NULL,
    trigger_id    TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    revision      INTEGER NOT NULL CHECK (revision > 0),
    state         TEXT    NOT NULL CHECK (state IN ('active', 'paused', 'off')),
    workflow_name TEXT    NOT NULL,
    digest        TEXT    NOT NULL,
    path          TEXT,
    work_dir      TEXT    NOT NULL,
    input         TEXT,
    cursor        INTEGER NOT NULL,
    activated_by  TEXT    NOT NULL,
    activated_at  INTEGER NOT NULL,
    changed_by    TEXT    NOT NULL,
    changed_at    INTEGER NOT NULL,
    trouble       TEXT,
    PRIMARY KEY (workflow, trigger_id)
) STRICT, WITHOUT ROWID;

-- Every firing, once: `key` says what it was (`schedule:2026-11-27T06:00:00Z`). `run` is chosen with the firing, so
-- that a firing never starts two runs.
CREATE TABLE firings (
    id          INTEGER PRIMARY KEY,
    workflow    TEXT    NOT NULL,
    trigger_id  TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    revision    INTEGER NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'queued', 'started', 'skipped', 'missed', 'failed')),
    reason      TEXT,
    run         TEXT    NOT NULL,
    due         INTEGER,
    until       INTEGER,
    count       INTEGER NOT NULL CHECK (count > 0),
    recorded_at INTEGER NOT NULL,
    settled_at  INTEGER,
    depth       INTEGER NOT NULL,
    by          TEXT,
    input       TEXT,
    payload     TEXT    NOT NULL,
    UNIQUE (workflow, trigger_id, key)
) STRICT;

CREATE INDEX firings_open ON firings (workflow, trigger_id, id) WHERE state IN ('pending', 'queued');
CREATE INDEX firings_started ON firings (workflow, trigger_id, run) WHERE state = 'started';
CREATE INDEX firings_of ON firings (workflow, trigger_id, id);
CREATE INDEX firings_run ON firings (run);

CREATE TRIGGER a_settled_firing_is_final BEFORE UPDATE ON firings
WHEN OLD.state NOT IN ('pending', 'queued')
BEGIN
    SELECT RAISE(ABORT, 'the firing is settled');
END;

-- What a watched folder held when it was last looked at. The truth of a `file` trigger; a watcher is a hint.
CREATE TABLE watched_files (
    workflow   TEXT    NOT NULL,
    trigger_id TEXT    NOT NULL,
    path       TEXT    NOT NULL,
    size       INTEGER NOT NULL,
    modified   INTEGER NOT NULL,
    file_id    TEXT,
    hash       TEXT,
    state      TEXT    NOT NULL,
    seen_at    INTEGER NOT NULL,
    PRIMARY KEY (workflow, trigger_id, path)
) STRICT, WITHOUT ROWID;

-- Requests of webhooks that were taken: the same one is not taken again while its window lasts.
CREATE TABLE webhook_requests (
    hook  TEXT    NOT NULL,
    nonce TEXT    NOT NULL,
    at    INTEGER NOT NULL,
    PRIMARY KEY (hook, nonce)
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_requests_at ON webhook_requests (at);

-- Inputs that people keep to start a workflow with.
CREATE TABLE saved_inputs (
    workflow TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    value    TEXT    NOT NULL,
    by       TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (workflow, name)
) STRICT, WITHOUT ROWID;
