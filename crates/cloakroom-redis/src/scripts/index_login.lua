-- Adds a session to the index of its principal: a sorted set of members, scored by deadline. A
-- member is an id and, unless its kind is the default, a colon and the tag of the kind.
-- KEYS: the index, the principal's revocation.
-- ARGV: member, deadline, time of authentication, limit ('' for none), what follows the id in the
-- members that count ('*' if all do), how many of them to return when the index is full, how much
-- longer than its members the index is kept (ms), then each member to replace and its deadline.
-- Returns 1 (indexed), -1 (revoked), or the members of a full index with their deadlines.
for i = 8, #ARGV, 2 do
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
local limit, shown = tonumber(ARGV[4]), tonumber(ARGV[6])
if limit and not redis.call('ZSCORE', KEYS[1], ARGV[1])
    and redis.call('ZCARD', KEYS[1]) >= limit then
  if ARGV[5] == '*' then
    return redis.call('ZRANGE', KEYS[1], 0, shown - 1, 'WITHSCORES')
  end
  local all, counted = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES'), {}
  for i = 1, #all, 2 do
    if #counted < 2 * shown and all[i]:sub(33) == ARGV[5] then
      counted[#counted + 1] = all[i]
      counted[#counted + 1] = all[i + 1]
    end
  end
  if #counted >= 2 * limit then return counted end
end
redis.call('ZADD', KEYS[1], 'GT', ARGV[2], ARGV[1])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
local expire_at = tonumber(last) + tonumber(ARGV[7])
if expire_at < 9007199254740992 then
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', expire_at))
else
  redis.call('PERSIST', KEYS[1])
end
return 1
