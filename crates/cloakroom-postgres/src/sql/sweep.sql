-- Checks sessions that are due for a sweep. Removes the expired ones, and reschedules the others to
-- when they expire. Returns how many were checked and how many were removed.
WITH due AS MATERIALIZED (
    SELECT id, principal, least(idle, absolute) AS expires FROM {session}
    WHERE sweep_at <= $1 ORDER BY sweep_at LIMIT $2 FOR UPDATE SKIP LOCKED
),
removed AS (
    DELETE FROM {session} s USING due WHERE s.id = due.id AND due.expires <= $1
    RETURNING s.id, due.principal
),
unindexed AS (
    DELETE FROM {index} i USING removed WHERE i.principal = removed.principal AND i.id = removed.id
),
rescheduled AS (
    UPDATE {session} s SET sweep_at = due.expires FROM due WHERE s.id = due.id AND due.expires > $1
)
SELECT (SELECT count(*) FROM due), (SELECT count(*) FROM removed)
