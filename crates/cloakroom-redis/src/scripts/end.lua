-- Puts a tombstone in the place of a live record: its first 18 bytes are new, then come the record's credentials and principal.
-- KEYS: the session. ARGV: the expected revision (16 bytes; '' any), the tombstone's beginning, when it goes (ms; '' never).
-- Answers 1 ended, 0 ended before, -1 absent, or what stands there.
local bytes = redis.call('GET', KEYS[1])
if not bytes then return -1 end
if bytes:byte(2) ~= 0 then return 0 end
if ARGV[1] ~= '' and bytes:sub(19, 34) ~= ARGV[1] then return bytes end
local at = 76 + 48
at = at + (bytes:byte(at) == 1 and 57 or 1)
at = at + 1 + 17 * (bytes:byte(at) or 0)
at = at + (bytes:byte(at) or 0)
-- First, since a server whose memory is full lets only those go on that gave some back.
redis.call('UNLINK', KEYS[1])
-- Of what can't be read nothing stays to be told.
if #bytes < at then return 1 end
local stone = ARGV[2] .. bytes:sub(76, at)
if ARGV[3] == '' then redis.call('SET', KEYS[1], stone) else redis.call('SET', KEYS[1], stone, 'PXAT', ARGV[3]) end
return 1
