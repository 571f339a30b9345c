-- Replaces the record that has the expected revision. The offsets are those of its encoding.
-- KEYS: the session.
-- ARGV: the expected revision (16 bytes), the new record, when it is removed (ms; '' for never).
-- Returns 1 (done), 0 (gone), or the current record (stale revision).
local head = redis.call('GETRANGE', KEYS[1], 1, 33)
if #head < 33 or head:byte(1) ~= 0 then return 0 end
local found = head:sub(18, 33)
if found ~= ARGV[1] then return redis.call('GET', KEYS[1]) end
if ARGV[3] == '' then
  redis.call('SET', KEYS[1], ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])
end
return 1
