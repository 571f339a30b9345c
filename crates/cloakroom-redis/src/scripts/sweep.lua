-- Removes an entry that has expired: a live record at the earlier of its deadlines, a tombstone at
-- its second time.
-- KEYS: the session. ARGV: now (ms). Returns 1 (removed) or 0 (not removed).
local head = redis.call('GETRANGE', KEYS[1], 0, 17)
if #head < 18 then return 0 end
-- The parentheses drop the second result of `unpack`, the position after the number.
local function time(bytes) return (struct.unpack('>I8', bytes)) end
local expires = time(head:sub(11, 18))
if head:byte(2) == 0 then expires = math.min(expires, time(head:sub(3, 10))) end
if expires > tonumber(ARGV[1]) then return 0 end
return redis.call('UNLINK', KEYS[1])
