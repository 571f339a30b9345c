-- Enters a session in its principal's directory: a sorted set of ids, each scored by its deadline.
-- KEYS: the directory, its watermark. ARGV: id, deadline, when the proof was given, limit ('' none), how many entries are shown
-- when it is full, how much longer the directory is kept (ms), then id and deadline of each entry to replace.
-- Answers 1 entered, -1 revoked, or the entries of a directory that is full.
for i = 7, #ARGV, 2 do
  local seen = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if seen and tonumber(seen) == tonumber(ARGV[i + 1]) then redis.call('ZREM', KEYS[1], ARGV[i]) end
end
local watermark = redis.call('GET', KEYS[2])
local proof = tonumber(ARGV[3])
if watermark and proof < tonumber(watermark:match('^%d+')) then return -1 end
-- What was over when the proof was given is garbage.
if proof < 9007199254740992 then redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3]) end
if ARGV[4] ~= '' and not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then
  return redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[5]) - 1, 'WITHSCORES')
end
redis.call('ZADD', KEYS[1], 'GT', ARGV[2], ARGV[1])
local last = tonumber(redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]) + tonumber(ARGV[6])
if last < 9007199254740992 then
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', last))
else
  redis.call('PERSIST', KEYS[1])
end
return 1
