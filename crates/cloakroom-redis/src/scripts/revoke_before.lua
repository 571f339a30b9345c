-- Raises the time up to which a principal's sign-ins are revoked, and how long that is kept.
-- KEYS: the principal.
-- ARGV: before, until, how much longer than that the set is kept (ms).
-- Returns 1.
local former, before, until_ = revocation(KEYS[1])
before = math.max(before or 0, tonumber(ARGV[1]))
revoke(KEYS[1], former, before, math.max(until_ or 0, tonumber(ARGV[2])))
expire(KEYS[1], tonumber(ARGV[3]))
return 1
