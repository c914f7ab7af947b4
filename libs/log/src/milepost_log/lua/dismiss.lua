#!lua flags=allow-oom
-- Show an ended task no more.
-- KEYS[1] log
-- ARGV[1] prefix  [2] owner  [3] owner hash  [4] id  [5] by ("" = the owner)
--      [6] "ended" when the caller knows from the archive that a task unknown here has ended
-- Answer: "ok" | its status while it lives | "" when it is unknown here. Repeatable.
local owner, o, id = ARGV[2], ARGV[3], ARGV[4]
local key = task_key(o, id)
local by = ARGV[5] ~= '' and {'b', ARGV[5]} or nil
local task = redis.call('HMGET', key, 's', 'a', 'y')
local status = task[1]
if not status then
  if ARGV[6] ~= 'ended' then return '' end
  emit('dismissed', id, owner, 0, '{}', by)
elseif status ~= 'succeeded' and status ~= 'failed' and status ~= 'cancelled' then
  return status
elseif not task[3] then
  redis.call('HSET', key, 'y', 1)
  emit('dismissed', id, owner, task[2], '{}', by)
end
return 'ok'
