-- Removes expired entries of the principal index, and expired revocations.
WITH entries AS (
    DELETE FROM {index} WHERE (principal, id) IN (
        SELECT principal, id FROM {index} WHERE until <= $1 ORDER BY until LIMIT $2
        FOR UPDATE SKIP LOCKED
    )
)
DELETE FROM {revocation} WHERE principal IN (
    SELECT principal FROM {revocation} WHERE until <= $1 ORDER BY until LIMIT $2
    FOR UPDATE SKIP LOCKED
)
