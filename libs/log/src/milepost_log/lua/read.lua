#!lua flags=allow-oom
-- Mark everything of an owner up to a position as read. The mark only goes forwards.
-- KEYS[1] log  [2] the owner's counts
-- ARGV[1] prefix  [2] owner  [3] stream id  [4] by ("" = the owner)
-- Answer: the mark after it. Repeatable. A position beyond the log counts as the log's end, so that
-- nobody can read what has not happened yet.
local until_id = ARGV[3]
local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
if last and is_after(until_id, last[1]) then until_id = last[1] end
local mark = redis.call('HGET', KEYS[2], 'read')
if not last or (mark and not is_after(until_id, mark)) then return mark or '0-0' end
redis.call('HSET', KEYS[2], 'read', until_id)
emit('inbox.read', '', ARGV[2], 0, '{"until":"' .. until_id .. '"}',
  ARGV[4] ~= '' and {'b', ARGV[4]} or nil)
return until_id
