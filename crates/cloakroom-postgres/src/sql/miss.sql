-- Tells the listeners that they missed a change.
UPDATE {feed} SET missed = missed + 1
FROM (
    SELECT set_config('synchronous_commit', 'off', true), set_config('lock_timeout', '0', true)
) AS settings
