-- Up to when a principal's sessions were revoked: an older proof of who they are signs nobody in.
CREATE TABLE revocation (
    principal TEXT    NOT NULL PRIMARY KEY,
    before    INTEGER NOT NULL,
    until     INTEGER NOT NULL   -- it goes at its time
) STRICT, WITHOUT ROWID;

CREATE INDEX revocation_until ON revocation (until);
