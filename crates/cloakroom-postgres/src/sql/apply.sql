-- Applies a batch of writes, each to a different session.
-- Kinds: 0 insert, 1 replace, 2 touch, 3 end_if, 4 end.
-- Returns the place of each write and its outcome: 0 not done, 1 done, 2 ended before, 3 stale
-- revision, 4 not tried because another transaction has locked the session. With 3 (replace and
-- end_if only) come the current record and payload. Each row also says whether anyone listens for
-- changes.
WITH op AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::uuid[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bytea[],
        $7::integer[], $8::text[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[],
        $13::bigint[], $14::bigint[], $15::text[]
    ) WITH ORDINALITY AS op (
        id, kind, expected, expected_token, record, payload, kept_bytes, principal,
        at, signed_in, revision, token, idle, absolute, reason, place
    )
),
-- Rows are locked in the order of their ids, after inserts in the same order, so that two batches
-- cannot deadlock. One that another transaction has locked delays no other.
found AS MATERIALIZED (
    SELECT id, principal, revision, token, ended, record, payload FROM {session}
    WHERE id = ANY ($1) ORDER BY id FOR UPDATE SKIP LOCKED
),
inserted AS (
    INSERT INTO {session} (
        id, principal, created, signed_in, revision, token, idle, absolute, sweep_at, kept_bytes,
        record, payload
    )
    SELECT id, principal, at, signed_in, revision, token, idle, absolute, least(idle, absolute),
        kept_bytes, record, payload
    FROM op WHERE kind = 0 ORDER BY id
    ON CONFLICT (id) DO NOTHING RETURNING id
),
judged AS MATERIALIZED (
    SELECT op.*, found.principal AS found_principal, found.record AS found_record,
        found.payload AS found_payload, found.ended IS NULL AS is_live,
        found.ended IS NULL
            AND (kind = 4 OR (found.revision = expected AND found.token = expected_token))
            -- A touch carries its deadline in place of a record, and only moves the idle deadline
            -- forward.
            AND (kind <> 2 OR substring(found.record FROM 3 FOR 8) < op.record) AS is_done
    FROM op JOIN found USING (id) WHERE kind <> 0
),
updated AS (
    UPDATE {session} s SET
        revision   = CASE kind WHEN 1 THEN j.revision ELSE s.revision END,
        token      = CASE kind WHEN 1 THEN j.token ELSE s.token END,
        principal  = CASE kind WHEN 1 THEN j.principal ELSE s.principal END,
        signed_in  = CASE kind WHEN 1 THEN j.signed_in ELSE s.signed_in END,
        idle       = j.idle,
        absolute   = CASE kind WHEN 2 THEN s.absolute ELSE j.absolute END,
        sweep_at   = CASE kind WHEN 2 THEN s.sweep_at
                     ELSE least(s.sweep_at, j.idle, j.absolute) END,
        ended      = CASE WHEN kind > 2 THEN j.at END,
        reason     = j.reason,
        kept_bytes = CASE kind WHEN 1 THEN j.kept_bytes ELSE s.kept_bytes END,
        record     = CASE kind WHEN 1 THEN j.record
                     WHEN 2 THEN overlay(s.record PLACING j.record FROM 3 FOR 8)
                     ELSE j.record || substring(s.record FROM 76 FOR s.kept_bytes) END,
        payload    = CASE kind WHEN 1 THEN j.payload WHEN 2 THEN s.payload END
    FROM judged j WHERE s.id = j.id AND j.is_done
),
-- Ended sessions leave the principal index.
unindexed AS MATERIALIZED (
    SELECT i.principal, i.id
    FROM judged j JOIN {index} i ON i.principal = j.found_principal AND i.id = j.id
    WHERE j.is_done AND j.kind > 2 ORDER BY i.principal, i.id FOR UPDATE OF i
),
deleted AS (
    DELETE FROM {index} i USING unindexed u WHERE i.principal = u.principal AND i.id = u.id
)
SELECT op.place,
    CASE WHEN inserted.id IS NOT NULL OR is_done THEN 1
         WHEN is_live AND op.kind IN (1, 3) THEN 3
         WHEN judged.id IS NOT NULL AND NOT is_live THEN 2
         WHEN op.kind <> 0 AND judged.id IS NULL
             AND EXISTS (SELECT FROM {session} s WHERE s.id = op.id) THEN 4
         ELSE 0 END::smallint,
    CASE WHEN is_live AND NOT is_done AND op.kind IN (1, 3) THEN found_record END,
    CASE WHEN is_live AND NOT is_done AND op.kind IN (1, 3) THEN found_payload END,
    (SELECT listeners <> '{}' FROM {feed}) AS is_heard
FROM op LEFT JOIN inserted USING (id) LEFT JOIN judged USING (id)
