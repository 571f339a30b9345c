-- The only write of a batch, a touch. Returns no row if it is not done.
UPDATE {session} SET idle = $4, record = overlay(record PLACING $5 FROM 3 FOR 8)
WHERE id = $1 AND revision = $2 AND token = $3 AND ended IS NULL
    AND substring(record FROM 3 FOR 8) < $5
RETURNING (SELECT listeners <> '{}' FROM {feed}) AS is_heard
