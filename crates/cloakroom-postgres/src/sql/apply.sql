-- Carries out operations on sessions, each on a session of its own: 0 insert, 1 replace, 2 touch, 3 end at, 4 end.
-- Answers each with 0 not done, 1 done, 2 the session is over, 3 another write came first: then with what stands there.
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::uuid[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bytea[], $7::integer[], $8::text[],
        $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::text[]
    ) WITH ORDINALITY AS asked (
        id, kind, expected, expected_token, head, payload, keeps, principal,
        at, signed_in, count, token, idle, absolute, reason, place
    )
),
-- Locked in order, after all that is inserted in order: so no two statements wait for each other. A row that a rival had
-- locked is then read as the rival left it.
found AS MATERIALIZED (
    SELECT id, principal, count, token, ended, head, payload FROM {session}
    WHERE id = ANY ($1) ORDER BY id FOR UPDATE
),
begun AS (
    INSERT INTO {session} (
        id, principal, created, signed_in, count, token, idle, absolute, look_at, keeps, head, payload
    )
    SELECT id, principal, at, signed_in, count, token, idle, absolute, least(idle, absolute), keeps, head, payload
    FROM asked WHERE kind = 0 ORDER BY id
    ON CONFLICT (id) DO NOTHING RETURNING id
),
judged AS MATERIALIZED (
    SELECT asked.*, found.principal AS whose, found.head AS found_head,
        found.payload AS found_payload, found.ended IS NULL AS is_live,
        found.ended IS NULL
            AND (kind = 4 OR (found.count = expected AND found.token = expected_token))
            -- Its idle deadline, which is what a touch has in the place of a head.
            AND (kind <> 2 OR substring(found.head FROM 3 FOR 8) < asked.head) AS is_done
    FROM asked JOIN found USING (id) WHERE kind <> 0
),
written AS (
    UPDATE {session} s SET
        count     = CASE kind WHEN 1 THEN j.count ELSE s.count END,
        token     = CASE kind WHEN 1 THEN j.token ELSE s.token END,
        principal = CASE kind WHEN 1 THEN j.principal ELSE s.principal END,
        signed_in = CASE kind WHEN 1 THEN j.signed_in ELSE s.signed_in END,
        idle      = j.idle,
        absolute  = CASE kind WHEN 2 THEN s.absolute ELSE j.absolute END,
        look_at   = CASE kind WHEN 2 THEN s.look_at ELSE least(s.look_at, j.idle, j.absolute) END,
        ended     = CASE WHEN kind > 2 THEN j.at END,
        reason    = j.reason,
        keeps     = CASE kind WHEN 1 THEN j.keeps ELSE s.keeps END,
        head      = CASE kind WHEN 1 THEN j.head WHEN 2 THEN overlay(s.head PLACING j.head FROM 3 FOR 8)
                    ELSE j.head || substring(s.head FROM 76 FOR s.keeps) END,
        payload   = CASE kind WHEN 1 THEN j.payload WHEN 2 THEN s.payload END
    FROM judged j WHERE s.id = j.id AND j.is_done
),
leaving AS MATERIALIZED (
    SELECT a.principal, a.id FROM judged j JOIN {admission} a ON a.principal = j.whose AND a.id = j.id
    WHERE j.is_done AND j.kind > 2 ORDER BY a.principal, a.id FOR UPDATE OF a
),
dismissed AS (
    DELETE FROM {admission} a USING leaving l WHERE a.principal = l.principal AND a.id = l.id
),
told AS MATERIALIZED (
    SELECT pg_notify({channel}, string_agg(
        CASE kind WHEN 1 THEN concat_ws(':', id, count, token) ELSE id::text END, ','
    )) FROM judged WHERE is_done HAVING count(*) > 0
)
SELECT asked.place,
    CASE WHEN begun.id IS NOT NULL OR is_done THEN 1
         WHEN is_live AND asked.kind IN (1, 3) THEN 3
         WHEN judged.id IS NOT NULL AND NOT is_live THEN 2
         ELSE 0 END::smallint,
    CASE WHEN is_live AND NOT is_done AND asked.kind IN (1, 3) THEN found_head END,
    CASE WHEN is_live AND NOT is_done AND asked.kind IN (1, 3) THEN found_payload END
FROM asked LEFT JOIN begun USING (id) LEFT JOIN judged USING (id) LEFT JOIN told ON true
