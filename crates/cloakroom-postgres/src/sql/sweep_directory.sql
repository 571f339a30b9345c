-- Removes what is past its time from the directory.
WITH entries AS (
    DELETE FROM {admission} WHERE (principal, id) IN (
        SELECT principal, id FROM {admission} WHERE until <= $1 ORDER BY until LIMIT $2 FOR UPDATE SKIP LOCKED
    )
)
DELETE FROM {revocation} WHERE principal IN (
    SELECT principal FROM {revocation} WHERE until <= $1 ORDER BY until LIMIT $2 FOR UPDATE SKIP LOCKED
)
