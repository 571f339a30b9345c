-- Sessions, live and ended. All times are milliseconds since 1970-01-01 UTC.
CREATE TABLE {session} (
    id         uuid    NOT NULL PRIMARY KEY,  -- public id; logs show it without dashes
    principal  text COLLATE "C",              -- who is signed in
    created    bigint  NOT NULL,
    signed_in  bigint,                        -- NULL: never signed in
    revision   bigint  NOT NULL,              -- number of writes
    token      bigint  NOT NULL,              -- token of the last write
    idle       bigint  NOT NULL,              -- idle deadline
    absolute   bigint  NOT NULL,              -- absolute deadline
    sweep_at   bigint  NOT NULL,              -- when a sweep checks the row; only sweeps raise it
    ended      bigint,                        -- NULL: live
    reason     text,                          -- why it was ended
    kept_bytes integer NOT NULL,              -- bytes of `record` after the 75th to keep when ended
    record     bytea   NOT NULL,              -- encoded deadlines, lifetime and verifiers
    payload    bytea                          -- format byte, schema byte, encoded value; NULL: none
) WITH (fillfactor = 80);  -- leaves room for heap-only updates, which touch no index

CREATE INDEX {session_sweep_at} ON {session} (sweep_at);

-- The principal index: who is signed in on which session. An entry can outlive its session.
CREATE TABLE {index} (
    principal text   NOT NULL COLLATE "C",  -- its order does not depend on the system's locales
    id        uuid   NOT NULL,
    kind      uuid   NOT NULL,  -- tag of the kind of session
    until     bigint NOT NULL,  -- the entry is garbage from then on
    PRIMARY KEY (principal, id)
);

CREATE INDEX {index_until} ON {index} (until);

-- A sign-in of this principal that was proved before `before` is refused.
CREATE TABLE {revocation} (
    principal text   NOT NULL COLLATE "C" PRIMARY KEY,
    before    bigint NOT NULL,
    until     bigint NOT NULL   -- the row is garbage from then on
);

CREATE INDEX {revocation_until} ON {revocation} (until);

-- Locks the index of one principal until the transaction ends.
CREATE FUNCTION {lock_principal}(locked_principal text) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock({session_text}::regclass::oid::integer, hashtext(locked_principal))
$$;

-- Adds a session to the index of its principal; calls for one principal run one after the other.
-- An entry is not replaced while its session lives: the caller may have read it from a server that
-- had lost it.
-- Returns one row with outcome 1 (indexed) or 2 (revoked), or the other sessions of the counted
-- kind (of every kind if that is NULL), each with outcome 3 (full).
CREATE FUNCTION {index_login}(
    login_principal text, session uuid, login_kind uuid, login_until bigint,
    authenticated_at bigint, max_sessions bigint, counted_kind uuid, max_shown bigint,
    replaced uuid[], replaced_until bigint[], called_at bigint
) RETURNS TABLE (outcome smallint, other uuid, other_kind uuid, other_until bigint)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM {lock_principal}(login_principal);
    -- Row locks are taken in the order of the ids, as statements that end sessions take them.
    PERFORM FROM {index} i WHERE i.principal = login_principal AND i.id = ANY (replaced)
    ORDER BY i.id FOR UPDATE;
    DELETE FROM {index} i USING unnest(replaced, replaced_until) AS r (id, until)
    WHERE i.principal = login_principal AND i.id = r.id AND i.until = r.until
        AND NOT EXISTS (
            SELECT FROM {session} s
            WHERE s.id = r.id AND s.ended IS NULL AND s.principal = login_principal
                AND least(s.idle, s.absolute) > called_at
        );
    IF EXISTS (
        SELECT FROM {revocation} r
        WHERE r.principal = login_principal AND r.before > authenticated_at
    ) THEN
        RETURN QUERY SELECT 2::smallint, NULL::uuid, NULL::uuid, NULL::bigint;
        RETURN;
    END IF;
    IF max_sessions IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM {index} i WHERE i.principal = login_principal AND i.id = session
        )
        AND (
            SELECT count(*) FROM (
                SELECT FROM {index} i
                WHERE i.principal = login_principal
                    AND (counted_kind IS NULL OR i.kind = counted_kind)
                LIMIT max_sessions
            ) others
        ) >= max_sessions
    THEN
        RETURN QUERY SELECT 3::smallint, i.id, i.kind, i.until
        FROM {index} i
        WHERE i.principal = login_principal AND (counted_kind IS NULL OR i.kind = counted_kind)
        LIMIT max_shown;
        RETURN;
    END IF;
    INSERT INTO {index} AS i (principal, id, kind, until)
    VALUES (login_principal, session, login_kind, login_until)
    ON CONFLICT (principal, id) DO UPDATE SET until = greatest(i.until, excluded.until);
    RETURN QUERY SELECT 1::smallint, NULL::uuid, NULL::uuid, NULL::bigint;
END
$$;

-- One row: the connections that write sessions, and those that listen for changes. Each connection
-- is given a number, and holds an advisory lock on that number for as long as it lives.
CREATE TABLE {feed} (
    last      bigint   NOT NULL,  -- the last number that was given
    listeners bigint[] NOT NULL,  -- who listens: changes are notified only if anyone does
    missed    bigint   NOT NULL   -- how often a change could not be notified
);

INSERT INTO {feed} VALUES (0, '{}', 0);

-- The numbers of the connections that live.
CREATE FUNCTION {living}() RETURNS bigint[] LANGUAGE sql AS $$
    SELECT coalesce(array_agg(l.objid::bigint), '{}') FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.objsubid = 1
        AND l.classid = {session_text}::regclass::oid
        AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
$$;

-- Gives the connection a number, and tells whether anyone listens. The number is visible to others
-- only once the lock is held.
CREATE FUNCTION {enroll}(listens boolean) RETURNS TABLE (number bigint, is_heard boolean)
LANGUAGE plpgsql AS $$
BEGIN
    -- In a statement of its own: the next one must not judge by locks seen before this one waited.
    PERFORM FROM {feed} FOR UPDATE;
    UPDATE {feed} SET last = last + 1, listeners =
        ARRAY(SELECT l FROM unnest(listeners) AS l WHERE l = ANY ({living}()))
        || CASE WHEN listens THEN ARRAY[last + 1] ELSE ARRAY[]::bigint[] END
    RETURNING last, listeners <> '{}' INTO number, is_heard;
    PERFORM pg_advisory_lock_shared(({session_text}::regclass::oid::bigint << 32) | number);
    RETURN NEXT;
END
$$;

-- A readable view of the sessions.
CREATE VIEW {view} AS
SELECT replace(id::text, '-', '')                                     AS id,
       coalesce(reason, 'live')                                       AS state,
       principal,
       to_timestamp(created / 1000.0)                                 AS created,
       to_timestamp(signed_in / 1000.0)                               AS signed_in,
       to_timestamp(least(idle, absolute, 253402300799000) / 1000.0)  AS expires,
       to_timestamp(ended / 1000.0)                                   AS ended,
       revision                                                       AS writes,
       length(payload)                                                AS bytes,
       CASE WHEN get_byte(payload, 0) = 1
            THEN convert_from(substring(payload FROM 3), 'UTF8') END  AS json
FROM {session};
