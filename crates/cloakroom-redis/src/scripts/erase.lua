-- Removes sessions from the index of their principal, and the revocation at a time.
-- KEYS: the index, the principal's revocation.
-- ARGV: when the revocation ends, how much longer than that the key is kept (ms), then the ids.
-- Returns 1.
local ended = {}
for i = 3, #ARGV do ended[ARGV[i]] = true end
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if ended[member:sub(1, 32)] then redis.call('ZREM', KEYS[1], member) end
end
local revocation = redis.call('GET', KEYS[2])
if revocation then
  local before, until_ = revocation:match('^(%d+) (%d+)$')
  if tonumber(ARGV[1]) < tonumber(until_) then
    redis.call('SET', KEYS[2], before .. ' ' .. ARGV[1])
    redis.call('PEXPIREAT', KEYS[2], string.format('%.0f', tonumber(ARGV[1]) + tonumber(ARGV[2])))
  end
end
return 1
