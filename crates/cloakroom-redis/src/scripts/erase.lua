-- Removes sessions from the index of their principal, and the revocation at a time.
-- KEYS: the principal.
-- ARGV: when the revocation ends, how much longer than that the set is kept (ms), then the ids.
-- Returns 1.
local ended = {}
for i = 3, #ARGV do ended[ARGV[i]] = true end
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if ended[member:sub(1, 32)] then redis.call('ZREM', KEYS[1], member) end
end
local former, before, until_ = revocation(KEYS[1])
if former and tonumber(ARGV[1]) < until_ then
  revoke(KEYS[1], former, before, tonumber(ARGV[1]))
end
expire(KEYS[1], tonumber(ARGV[2]))
return 1
