-- Raises the time up to which a principal's sign-ins are revoked, and how long that is kept.
-- KEYS: the revocation, "<before> <until>".
-- ARGV: before, until, how much longer than that the key is kept (ms).
-- Returns 1.
local before, until_ = tonumber(ARGV[1]), tonumber(ARGV[2])
local revocation = redis.call('GET', KEYS[1])
if revocation then
  local b, u = revocation:match('^(%d+) (%d+)$')
  before, until_ = math.max(before, tonumber(b)), math.max(until_, tonumber(u))
end
-- A server that is out of memory refuses a script whose first write could need more.
redis.call('UNLINK', KEYS[1])
redis.call('SET', KEYS[1], string.format('%.0f %.0f', before, until_))
if until_ < 9007199254740992 then
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', until_ + tonumber(ARGV[3])))
end
return 1
