-- Removes what has expired of a principal: sessions, and the revocation.
-- KEYS: the principal. ARGV: now (ms). Returns 1.
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, ARGV[1])
local former, _, until_ = revocation(KEYS[1])
if former and until_ <= tonumber(ARGV[1]) then redis.call('ZREM', KEYS[1], former) end
return 1
