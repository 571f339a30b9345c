-- Removes an entry that is garbage: a live record goes at the earlier of its deadlines, a tombstone at the second time it holds.
-- KEYS: the session. ARGV: now (ms). Answers 1 removed, 0 not.
local head = redis.call('GETRANGE', KEYS[1], 0, 17)
if #head < 18 then return 0 end
-- `unpack` answers twice; the second time it says where it stopped.
local function time(bytes) return (struct.unpack('>I8', bytes)) end
local goes = time(head:sub(11, 18))
if head:byte(2) == 0 then goes = math.min(goes, time(head:sub(3, 10))) end
if goes > tonumber(ARGV[1]) then return 0 end
return redis.call('UNLINK', KEYS[1])
