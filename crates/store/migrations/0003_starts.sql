-- Starts of the program on this folder, and runs that are not taken up again by themselves.

-- `ended_at` is set by a proper end. `taking_up` is `*` while all open runs are being taken up, the id of a run while
-- only that one is, and null once that is over.
CREATE TABLE starts (
    id        INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    version   TEXT    NOT NULL,
    ended_at  INTEGER,
    taking_up TEXT,
    is_safe   INTEGER NOT NULL,
    forgiven  INTEGER NOT NULL
) STRICT;

CREATE TABLE quarantine (
    run    TEXT    PRIMARY KEY,
    at     INTEGER NOT NULL,
    reason TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
