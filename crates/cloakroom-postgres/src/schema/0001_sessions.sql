-- Sessions, living and ended. Times are milliseconds since 1970, UTC.
CREATE TABLE {session} (
    id        uuid    NOT NULL PRIMARY KEY,  -- the public name; logs show it without dashes
    principal text,                          -- who is signed in
    created   bigint  NOT NULL,
    signed_in bigint,                        -- NULL: never
    count     bigint  NOT NULL,              -- how many writes it has seen
    token     bigint  NOT NULL,              -- the mark of the last of them
    idle      bigint  NOT NULL,              -- it ends then if nobody uses it again
    absolute  bigint  NOT NULL,              -- it ends then whatever happens
    look_at   bigint  NOT NULL,              -- a sweep looks at it from then on: never late, and moved by sweeps alone
    ended     bigint,                        -- NULL: it lives
    reason    text,                          -- why it was ended
    keeps     integer NOT NULL,              -- how many bytes of the head, from the 76th on, an ended session keeps
    head      bytea   NOT NULL,              -- deadlines, lifetime and hashes of keys, as Cloakroom writes them
    payload   bytea                          -- the value: two bytes (format, schema), then the codec's; NULL: none
) WITH (fillfactor = 80);  -- room beside a row for its next version, which then touches no index

CREATE INDEX {session_look_at} ON {session} (look_at);

-- Who signed in where. An entry may outlive its session; it goes at its time.
CREATE TABLE {admission} (
    principal text   NOT NULL,
    id        uuid   NOT NULL,
    until     bigint NOT NULL,
    PRIMARY KEY (principal, id)
);

CREATE INDEX {admission_until} ON {admission} (until);

-- Up to when a principal's sessions were revoked: an older proof of who they are signs nobody in.
CREATE TABLE {revocation} (
    principal text   NOT NULL PRIMARY KEY,
    before    bigint NOT NULL,
    until     bigint NOT NULL  -- it goes at its time
);

CREATE INDEX {revocation_until} ON {revocation} (until);

-- Waits until nobody else admits to this principal or revokes their sessions, and keeps others waiting until the commit.
CREATE FUNCTION {lock}(who text) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock({session_text}::regclass::oid::integer, hashtext(who))
$$;

-- Enters a session in its principal's directory, of all that are admitted to one principal one after the other.
-- Answers one row: 1 entered, 2 revoked; or the others that are there, each with 3.
CREATE FUNCTION {admit}(
    who text, session uuid, lasts bigint, proof bigint, most bigint, shown bigint, seen uuid[], seen_until bigint[]
) RETURNS TABLE (standing smallint, other uuid, other_until bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM {lock}(who);
    -- In order: sessions that end leave the directory in order too.
    PERFORM FROM {admission} a WHERE a.principal = who AND a.id = ANY (seen) ORDER BY a.id FOR UPDATE;
    DELETE FROM {admission} a USING unnest(seen, seen_until) AS replaced (id, until)
    WHERE a.principal = who AND a.id = replaced.id AND a.until = replaced.until;
    IF EXISTS (SELECT FROM {revocation} r WHERE r.principal = who AND r.before > proof) THEN
        RETURN QUERY SELECT 2::smallint, NULL::uuid, NULL::bigint;
        RETURN;
    END IF;
    IF most IS NOT NULL
        AND NOT EXISTS (SELECT FROM {admission} a WHERE a.principal = who AND a.id = session)
        AND (SELECT count(*) FROM (SELECT FROM {admission} a WHERE a.principal = who LIMIT most) others) >= most
    THEN
        RETURN QUERY SELECT 3::smallint, a.id, a.until FROM {admission} a WHERE a.principal = who LIMIT shown;
        RETURN;
    END IF;
    INSERT INTO {admission} AS a (principal, id, until) VALUES (who, session, lasts)
    ON CONFLICT (principal, id) DO UPDATE SET until = greatest(a.until, excluded.until);
    RETURN QUERY SELECT 1::smallint, NULL::uuid, NULL::bigint;
END
$$;

-- The same for people: SELECT * FROM the view.
CREATE VIEW {shown} AS
SELECT replace(id::text, '-', '')                                     AS id,
       coalesce(reason, 'live')                                       AS state,
       principal,
       to_timestamp(created / 1000.0)                                 AS created,
       to_timestamp(signed_in / 1000.0)                               AS signed_in,
       to_timestamp(least(idle, absolute, 253402300799000) / 1000.0)  AS expires,
       to_timestamp(ended / 1000.0)                                   AS ended,
       count                                                          AS writes,
       length(payload)                                                AS bytes,
       CASE WHEN get_byte(payload, 0) = 1
            THEN convert_from(substring(payload FROM 3), 'UTF8') END  AS json
FROM {session};
