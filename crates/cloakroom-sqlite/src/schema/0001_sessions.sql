-- Sessions, living and ended. Times are milliseconds since 1970, UTC.
CREATE TABLE session (
    id        BLOB    NOT NULL PRIMARY KEY,  -- 16 bytes, the public name: hex(id) is what logs show
    principal TEXT,                          -- who is signed in
    created   INTEGER NOT NULL,
    signed_in INTEGER,                       -- NULL: never
    expires   INTEGER NOT NULL,              -- garbage from then on, or up to a minute later; moves as it is used
    ended     INTEGER,                       -- NULL: it lives
    reason    TEXT,                          -- why it was ended
    revision  INTEGER NOT NULL,              -- how many writes it has seen
    token     INTEGER NOT NULL,              -- the mark of the last of them
    record    BLOB    NOT NULL,              -- deadlines, lifetime and hashes of keys, as Cloakroom writes them
    payload   BLOB                           -- the value: two bytes (format, schema), then the codec's; NULL: none
) STRICT;

CREATE INDEX session_expires ON session (expires);

-- Who signed in where. An entry may outlive its session; it goes at its time.
CREATE TABLE admission (
    principal TEXT    NOT NULL,
    id        BLOB    NOT NULL,
    until     INTEGER NOT NULL,
    PRIMARY KEY (principal, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX admission_until ON admission (until);

-- The same for people: SELECT * FROM sessions;
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
