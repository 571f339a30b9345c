-- Looks at sessions that may be garbage; those in use are noted for later, so that none is looked at twice in a period.
WITH due AS MATERIALIZED (
    SELECT id, principal, least(idle, absolute) AS expires FROM {session}
    WHERE look_at <= $1 ORDER BY look_at LIMIT $2 FOR UPDATE SKIP LOCKED
),
gone AS (
    DELETE FROM {session} s USING due WHERE s.id = due.id AND due.expires <= $1 RETURNING s.id, due.principal
),
dismissed AS (
    DELETE FROM {admission} a USING gone WHERE a.principal = gone.principal AND a.id = gone.id
),
noted AS (
    UPDATE {session} s SET look_at = due.expires FROM due WHERE s.id = due.id AND due.expires > $1
)
SELECT (SELECT count(*) FROM due), (SELECT count(*) FROM gone)
