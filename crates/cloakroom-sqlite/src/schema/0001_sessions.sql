-- Sessions, live and ended. All times are milliseconds since 1970-01-01 UTC.
CREATE TABLE session (
    id        BLOB    NOT NULL PRIMARY KEY,  -- public id, 16 bytes; logs show hex(id)
    principal TEXT,                          -- who is signed in
    created   INTEGER NOT NULL,
    signed_in INTEGER,                       -- NULL: never signed in
    expires   INTEGER NOT NULL,              -- at most a minute before the row really expires
    ended     INTEGER,                       -- NULL: live
    reason    TEXT,                          -- why it was ended
    revision  INTEGER NOT NULL,              -- number of writes
    token     INTEGER NOT NULL,              -- token of the last write
    record    BLOB    NOT NULL,              -- encoded deadlines, lifetime and verifiers
    payload   BLOB                           -- format byte, schema byte, encoded value; NULL: none
) STRICT;

CREATE INDEX session_expires ON session (expires);

-- The principal index: who is signed in on which session. An entry can outlive its session.
CREATE TABLE sessions_by_principal (
    principal TEXT    NOT NULL,
    id        BLOB    NOT NULL,
    kind      BLOB    NOT NULL,              -- tag of the kind of session, 16 bytes
    until     INTEGER NOT NULL,              -- the entry is garbage from then on
    PRIMARY KEY (principal, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_principal_until ON sessions_by_principal (until);

-- A sign-in of this principal that was proved before `before` is refused.
CREATE TABLE revocation (
    principal TEXT    NOT NULL PRIMARY KEY,
    before    INTEGER NOT NULL,
    until     INTEGER NOT NULL               -- the row is garbage from then on
) STRICT, WITHOUT ROWID;

CREATE INDEX revocation_until ON revocation (until);

-- A readable view of the sessions: SELECT * FROM sessions;
CREATE VIEW sessions AS
SELECT lower(hex(id))                               AS id,
       coalesce(reason, 'live')                     AS state,
       principal,
       datetime(created / 1000, 'unixepoch')        AS created_utc,
       datetime(signed_in / 1000, 'unixepoch')      AS signed_in_utc,
       datetime(expires / 1000, 'unixepoch')        AS expires_utc,
       datetime(ended / 1000, 'unixepoch')          AS ended_utc,
       revision                                     AS writes,
       length(payload)                              AS bytes,
       CASE WHEN substr(payload, 1, 1) = x'01'
            THEN CAST(substr(payload, 3) AS TEXT) END AS json
FROM session;
