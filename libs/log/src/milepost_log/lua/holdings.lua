#!lua flags=no-writes
-- Say what workers run in a partition. Reads only, and at most PAGE tasks of a stream.
-- KEYS[1] log
-- ARGV[1] prefix
-- Answer: {{worker, owner, id, type, attempt, since in ms}...}; a task whose live state is gone, or
-- that its worker does not run any more, is left out.
local found = {}

local function look(stream)
  local pending = redis.pcall('XPENDING', stream, 'workers', '-', '+', PAGE)
  if pending.err then return end
  for _, row in ipairs(pending) do
    local entry = redis.call('XRANGE', stream, row[1], row[1])[1]
    local o, id = entry and entry[2][2], entry and entry[2][4]
    local task = o and id and redis.pcall('HMGET', task_key(o, id), 'o', 's', 'w', 'd', 'a') or {}
    if task[2] == 'running' and task[3] == row[2] then
      found[#found + 1] = {row[2], task[1], id, task[4] and type_of(task[4]) or '', task[5],
        string.format('%.0f', now - row[3])}
    end
  end
end

for _, queue in ipairs(redis.call('SMEMBERS', prefix .. ':queues')) do
  for _, priority in ipairs({':h', ':n', ':l'}) do
    look(queue_key(queue .. priority))
    look(express_key(queue .. priority))
  end
end
look(claimed)
return found
