-- The last number given, how often a change could not be notified, the numbers of the connections
-- that live, and the transactions in which these are.
WITH locks AS MATERIALIZED (SELECT * FROM pg_locks), living AS MATERIALIZED (SELECT {living}() AS n)
SELECT last, missed, array_to_string((SELECT n FROM living), ' '),
    (
        SELECT string_agg(DISTINCT virtualxid, ' ') FROM locks
        WHERE locktype = 'virtualxid' AND pid <> pg_backend_pid() AND pid IN (
            SELECT pid FROM locks WHERE locktype = 'advisory' AND objsubid = 1
                AND classid = {session_text}::regclass::oid
        )
    )
FROM {feed}
