-- Locked, so that a concurrent login is either seen by the caller afterwards or sees the
-- revocation.
WITH locked AS MATERIALIZED (SELECT {lock_principal}($1))
INSERT INTO {revocation} AS r (principal, before, until) SELECT $1, $2, $3 FROM locked
ON CONFLICT (principal) DO UPDATE
SET before = greatest(r.before, excluded.before), until = greatest(r.until, excluded.until)
