-- Moves the idle deadline of the record of the expected revision, in place.
-- KEYS: the session. ARGV: the expected revision (16 bytes), the deadline (8 bytes), how much longer the entry is kept (ms).
-- Answers 1 moved, 0 not.
local head = redis.call('GETRANGE', KEYS[1], 1, 33)
if #head < 33 or head:byte(1) ~= 0 or head:sub(18, 33) ~= ARGV[1] then return 0 end
-- `unpack` answers twice; the second time it says where it stopped.
local function time(bytes) return (struct.unpack('>I8', bytes)) end
local deadline = time(ARGV[2])
if deadline <= time(head:sub(2, 9)) then return 0 end
-- First, since a server whose memory is full refuses a script that begins with what might take more.
redis.call('PERSIST', KEYS[1])
redis.call('SETRANGE', KEYS[1], 2, ARGV[2])
local goes = math.min(deadline, time(head:sub(10, 17))) + tonumber(ARGV[3])
if goes < 9007199254740992 then
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', goes))
end
return 1
