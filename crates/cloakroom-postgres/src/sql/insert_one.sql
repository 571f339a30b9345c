-- The only write of a batch, an insert. Returns no row if the id is taken.
INSERT INTO {session} (
    id, principal, created, signed_in, revision, token, idle, absolute, sweep_at, kept_bytes,
    record, payload
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, least($7::bigint, $8::bigint), $9, $10, $11)
ON CONFLICT (id) DO NOTHING RETURNING id
