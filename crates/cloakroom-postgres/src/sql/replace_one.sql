-- The only write of a batch, a replace. Returns no row if it is not done; `apply.sql` says why.
UPDATE {session} SET
    principal = $4, signed_in = $5, revision = $6, token = $7, idle = $8, absolute = $9,
    sweep_at = least(sweep_at, $8, $9), kept_bytes = $10, record = $11, payload = $12
WHERE id = $1 AND revision = $2 AND token = $3 AND ended IS NULL
RETURNING (SELECT listeners <> '{}' FROM {feed}) AS is_heard
