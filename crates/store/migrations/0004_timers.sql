-- What open runs wait for: a run that only waits is not in memory, these rows find it again. They are written in the
-- transaction of the events that they follow from, and can be rebuilt from the log: a run whose `rests_at` is not its
-- `seq` is replayed at the next start.

-- Position of the event after which nothing of the run was under way any more.
ALTER TABLE runs ADD COLUMN rests_at INTEGER NOT NULL DEFAULT 0;

CREATE TABLE timers (
    run  INTEGER NOT NULL,
    name TEXT    NOT NULL,
    at   INTEGER NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

-- A step waits for an event with a key, or for another run.
CREATE TABLE waits (
    run   INTEGER NOT NULL,
    step  TEXT    NOT NULL,
    event TEXT,
    key   TEXT,
    child TEXT,
    PRIMARY KEY (run, step)
) STRICT, WITHOUT ROWID;

CREATE INDEX waits_event ON waits (event, key) WHERE event IS NOT NULL;
CREATE INDEX waits_child ON waits (child) WHERE child IS NOT NULL;

-- What happened to the computer: it slept, its clock was changed.
CREATE TABLE host_log (
    number INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    what   TEXT    NOT NULL,
    ms     INTEGER NOT NULL
) STRICT;
