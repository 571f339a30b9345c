-- Adds a session to the index of its principal: a sorted set of ids, scored by deadline.
-- KEYS: the index, the principal's revocation.
-- ARGV: id, deadline, time of authentication, limit ('' for none), how many entries to return when
-- the index is full, how much longer than its entries the index is kept (ms), then id and deadline
-- of each entry to replace.
-- Returns 1 (indexed), -1 (revoked), or the entries of a full index.
for i = 7, #ARGV, 2 do
  local until_ = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if until_ and tonumber(until_) == tonumber(ARGV[i + 1]) then
    redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
local revocation = redis.call('GET', KEYS[2])
local authenticated_at = tonumber(ARGV[3])
if revocation and authenticated_at < tonumber(revocation:match('^%d+')) then return -1 end
-- Entries that had expired at the time of authentication are garbage.
if authenticated_at < 9007199254740992 then
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
end
if ARGV[4] ~= '' and not redis.call('ZSCORE', KEYS[1], ARGV[1])
    and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then
  return redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[5]) - 1, 'WITHSCORES')
end
redis.call('ZADD', KEYS[1], 'GT', ARGV[2], ARGV[1])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
local expire_at = tonumber(last) + tonumber(ARGV[6])
if expire_at < 9007199254740992 then
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', expire_at))
else
  redis.call('PERSIST', KEYS[1])
end
return 1
