-- Part of `take` and `resume`, behind the prelude: starts the task of one queue entry.
-- Returns nil when the entry is not (or no more) the one its task waits on: then it is dropped.
-- Undecodable entries go to the dead letters with their reason.
local function start_entry(stream, entry, fields, worker)
  local o, id
  for i = 1, #fields, 2 do
    if fields[i] == 'o' then o = fields[i + 1] elseif fields[i] == 'k' then id = fields[i + 1] end
  end
  if not (o and id) or #o > 64 or #id > 64 then
    redis.call('XADD', prefix .. ':dead', '*', 'stream', stream, 'entry', entry,
      'reason', 'a queue entry without an owner hash and a task id')
    drop_entry(stream, entry)
    return nil
  end
  local key = task_key(o, id)
  local task = redis.call('HMGET', key, 'o', 's', 'a', 'e', 'w', 'd', 'q', 'v', 'x', 'f')
  local owner, status, attempt, q, saved, trace = task[1], task[2], task[3], task[7], task[8], task[9]
  if not owner or task[4] ~= entry then drop_entry(stream, entry); return nil end
  if status == 'running' and task[5] == worker then
    return {o, id, owner, tonumber(attempt), entry, q, task[6], saved or '', trace or '',
      tonumber(task[10] or 0)}
  end
  if status ~= 'queued' then drop_entry(stream, entry); return nil end
  attempt = attempt + 1
  redis.call('HSET', key, 's', 'running', 'a', attempt, 'w', worker, 'n', 0, 'g', 0,
    'm', 0, 'l', 0)
  emit('started', id, owner, attempt, '{"worker":"' .. worker .. '"}', trace and {'x', trace})
  return {o, id, owner, attempt, entry, q, task[6], saved or '', trace or '',
      tonumber(task[10] or 0)}
end
