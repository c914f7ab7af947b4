#!lua flags=allow-oom
-- Stop a task: at once where nothing runs yet, by request where it does.
-- KEYS[1] log
-- ARGV[1] prefix  [2] owner hash  [3] id  [4] by ("" = the owner)
-- Answer: status after it, or "" when there is no such task. An ended task is left alone.
-- Repeatable.
local o, id = ARGV[2], ARGV[3]
local key = task_key(o, id)
local by = ARGV[4] ~= '' and {'b', ARGV[4]} or nil
local task = redis.call('HMGET', key, 'o', 's', 'a', 'q', 'e', 'z')
local status = task[2]
if not status then return '' end
if status == 'running' and not task[6] then
  redis.call('HSET', key, 'z', 1)
  redis.call('PUBLISH', namespace .. ':stop', o .. ':' .. id)
  emit('cancel_requested', id, task[1], task[3], '{}', by)
elseif status == 'queued' or status == 'scheduled' or status == 'retrying' then
  tally(place_of(status, task[4]), -1)
  status = 'cancelled'
  end_task(key, o, id, task[1], task[3], task[4], task[5], nil, status, '{}', by)
end
return status
