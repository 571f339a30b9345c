-- What is kept of a principal is one sorted set, so that it is in one slot of a cluster: a member
-- for each session, scored by deadline, and before them the revocation, "revoked <before> <until>".
-- A session's member is its id and, unless its kind is the default, a colon and the kind's tag.

-- The revocation's member and its two times, or nothing.
local function revocation(key)
  local first = redis.call('ZRANGE', key, 0, 0)[1]
  local before, until_ = (first or ''):match('^revoked (%d+) (%d+)$')
  if before then return first, tonumber(before), tonumber(until_) end
end

-- Replaces the revocation.
local function revoke(key, former, before, until_)
  -- A server that is out of memory refuses a script whose first write could need more.
  redis.call('ZREM', key, former or '')
  redis.call('ZADD', key, -1, string.format('revoked %.0f %.0f', before, until_))
end

-- Has the server remove the set `slack` ms after its last time.
local function expire(key, slack)
  local _, _, last = revocation(key)
  last = math.max(last or 0, tonumber(redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2] or 0))
  if last + slack < 9007199254740992 then
    redis.call('PEXPIREAT', key, string.format('%.0f', last + slack))
  else
    redis.call('PERSIST', key)
  end
end

