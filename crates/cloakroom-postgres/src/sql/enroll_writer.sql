-- Returns whether anyone listens. A crash of the server ends the connection, so nothing is lost if
-- this does not wait for the disk.
SELECT is_heard, set_config('synchronous_commit', 'off', true) FROM {enroll}(false)
