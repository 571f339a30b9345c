-- Replaces a live record with its tombstone: 18 new bytes, then the record's credentials, principal
-- and extensions.
-- KEYS: the session.
-- ARGV: the expected revision (16 bytes; '' for any), the first 18 bytes of the tombstone, when it
-- is removed (ms; '' for never).
-- Returns 1 (ended), 0 (ended before), -1 (absent), or the current record (stale revision).
local bytes = redis.call('GET', KEYS[1])
if not bytes then return -1 end
if bytes:byte(2) ~= 0 then return 0 end
if ARGV[1] ~= '' and bytes:sub(19, 34) ~= ARGV[1] then return bytes end
local at = 76 + 48
at = at + (bytes:byte(at) == 1 and 57 or 1)
at = at + 1 + 17 * (bytes:byte(at) or 0)
at = at + 1 + (bytes:byte(at) or 0)
for _ = 1, bytes:byte(at) or 0 do
  at = at + 4 + 256 * (bytes:byte(at + 3) or 0) + (bytes:byte(at + 4) or 0)
end
-- A server that is out of memory only permits further writes after one that frees some.
redis.call('UNLINK', KEYS[1])
-- An unreadable record leaves no tombstone.
if #bytes < at then return 1 end
local tombstone = ARGV[2] .. bytes:sub(76, at)
if ARGV[3] == '' then
  redis.call('SET', KEYS[1], tombstone)
else
  redis.call('SET', KEYS[1], tombstone, 'PXAT', ARGV[3])
end
return 1
