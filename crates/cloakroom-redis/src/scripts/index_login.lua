-- Adds a session to the index of its principal.
-- KEYS: the principal.
-- ARGV: member, deadline, time of authentication, limit ('' for none), what follows the id in the
-- members that count ('*' if all do), how many of them to return when the index is full, how much
-- longer than its members the set is kept (ms), then each member to replace and its deadline.
-- Returns 1 (indexed), -1 (revoked), or the members of a full index with their deadlines.
for i = 8, #ARGV, 2 do
  local until_ = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if until_ and tonumber(until_) == tonumber(ARGV[i + 1]) then
    redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
local _, before = revocation(KEYS[1])
local authenticated_at = tonumber(ARGV[3])
if before and authenticated_at < before then return -1 end
-- Entries that had expired at the time of authentication are garbage.
if authenticated_at < 9007199254740992 then
  redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, ARGV[3])
end
local limit, shown = tonumber(ARGV[4]), tonumber(ARGV[6])
if limit and not redis.call('ZSCORE', KEYS[1], ARGV[1])
    and redis.call('ZCOUNT', KEYS[1], 0, '+inf') >= limit then
  if ARGV[5] == '*' then
    return redis.call('ZRANGEBYSCORE', KEYS[1], 0, '+inf', 'WITHSCORES', 'LIMIT', 0, shown)
  end
  local all, counted = redis.call('ZRANGEBYSCORE', KEYS[1], 0, '+inf', 'WITHSCORES'), {}
  for i = 1, #all, 2 do
    if #counted < 2 * shown and all[i]:sub(33) == ARGV[5] then
      counted[#counted + 1] = all[i]
      counted[#counted + 1] = all[i + 1]
    end
  end
  if #counted >= 2 * limit then return counted end
end
redis.call('ZADD', KEYS[1], 'GT', ARGV[2], ARGV[1])
expire(KEYS[1], tonumber(ARGV[7]))
return 1
