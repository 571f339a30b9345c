-- Moves a principal's watermark on, and keeps it for long enough.
-- KEYS: the watermark. ARGV: the moment, until when it is kept, how much longer (ms).
local before, kept = tonumber(ARGV[1]), tonumber(ARGV[2])
local known = redis.call('GET', KEYS[1])
if known then
  local b, k = known:match('^(%d+) (%d+)$')
  before, kept = math.max(before, tonumber(b)), math.max(kept, tonumber(k))
end
-- First, since a server whose memory is full refuses a script that begins with what might take more.
redis.call('UNLINK', KEYS[1])
redis.call('SET', KEYS[1], string.format('%.0f %.0f', before, kept))
if kept < 9007199254740992 then redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', kept + tonumber(ARGV[3]))) end
return 1
