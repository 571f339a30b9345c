-- Moves the idle deadline of the record that has the expected revision, in place.
-- KEYS: the session.
-- ARGV: the expected revision (16 bytes), the deadline (8 bytes), how much longer the entry is kept
-- (ms).
-- Returns 1 (moved) or 0 (not moved).
local head = redis.call('GETRANGE', KEYS[1], 1, 33)
if #head < 33 or head:byte(1) ~= 0 or head:sub(18, 33) ~= ARGV[1] then return 0 end
-- The parentheses drop the second result of `unpack`, the position after the number.
local function time(bytes) return (struct.unpack('>I8', bytes)) end
local deadline = time(ARGV[2])
if deadline <= time(head:sub(2, 9)) then return 0 end
-- A server that is out of memory refuses a script whose first write could need more.
redis.call('PERSIST', KEYS[1])
redis.call('SETRANGE', KEYS[1], 2, ARGV[2])
local expire_at = math.min(deadline, time(head:sub(10, 17))) + tonumber(ARGV[3])
if expire_at < 9007199254740992 then
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', expire_at))
end
return 1
