SELECT number, set_config('synchronous_commit', 'off', true) FROM {enroll}(true)
