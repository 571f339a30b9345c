-- Removes sessions from the index of their principal, and the revocation at a time.
WITH removed AS (DELETE FROM {index} WHERE principal = $1 AND id = ANY ($2))
UPDATE {revocation} SET until = least(until, $3) WHERE principal = $1
