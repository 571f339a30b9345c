-- A batch of replaces, each of a different session. Returns the ids of those that are done;
-- `apply.sql` says why others are not.
WITH op AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[],
        $7::bigint[], $8::bigint[], $9::bigint[], $10::integer[], $11::bytea[], $12::bytea[]
    ) AS op (
        id, expected, expected_token, principal, signed_in, revision, token, idle, absolute,
        kept_bytes, record, payload
    )
),
-- In the order of their ids, so that two batches cannot deadlock. A session that another
-- transaction has locked delays no other.
found AS MATERIALIZED (
    SELECT id FROM {session} WHERE id = ANY ($1) ORDER BY id FOR UPDATE SKIP LOCKED
)
UPDATE {session} s SET
    principal = op.principal, signed_in = op.signed_in, revision = op.revision, token = op.token,
    idle = op.idle, absolute = op.absolute, sweep_at = least(s.sweep_at, op.idle, op.absolute),
    kept_bytes = op.kept_bytes, record = op.record, payload = op.payload
FROM found JOIN op USING (id)
WHERE s.id = found.id AND s.revision = op.expected AND s.token = op.expected_token
    AND s.ended IS NULL
RETURNING s.id, (SELECT listeners <> '{}' FROM {feed}) AS is_heard
