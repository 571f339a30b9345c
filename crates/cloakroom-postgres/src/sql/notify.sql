-- Tells the listeners of changes that were committed before. Losing it in a crash of the server does
-- no harm: no listener survives that. So it need not wait for the disk. It waits for others that
-- notify, though.
SELECT set_config('synchronous_commit', 'off', true), set_config('lock_timeout', '0', true),
    pg_notify({channel}, $1)
