-- Part of `take`, `resume` and `redrive`, behind the prelude: reads a queue entry's task and starts
-- it. Entries that nobody can read go to the dead letters with their reason.

-- The task type named by the data of `created`; nil where nothing can be read.
local function type_of(data)
  local kind = string.match(data, '^{"task_type":"([a-z0-9_.]+)"')
  if not kind then
    local ok, created = pcall(cjson.decode, data)
    kind = ok and type(created) == 'table' and created.task_type
  end
  return type(kind) == 'string' and #kind <= 100 and string.match(kind, '^[a-z0-9_.]+$') or nil
end

-- Why a task can be started by nobody; nil when it can. `task` has its d, a and q.
local function damage(data, attempt, q)
  if not (data and type_of(data)) then return 'its task does not say what to do' end
  if not string.match(attempt or '', '^%d+$') then return 'its task has no number of attempts' end
  if not string.match(q or '', '^[a-z0-9_-]+:[hnl]$') then return 'its task names no queue' end
end

-- Its owner's share goes to the next; the task, if there is one, remembers its letter.
local function dead_entry(stream, entry, fields, reason, key, o)
  local letter = bury(stream, entry, reason, fields)
  drop_entry(stream, entry)
  if key then
    redis.call('HSET', key, 'e', '', 'j', letter)
    pass_on(o, string.sub(stream, #queue_key('') + 1))
  end
end

-- Start the task of one entry. Nil when the entry is not (or no more) the one its task waits on:
-- then it is dropped; or when `knows` (type -> true; nil for every type) lacks the task's type: then
-- the task waits aside, with no attempt counted, and the answer's second value is its queue.
local function start_entry(stream, entry, fields, worker, knows)
  local o, id
  for i = 1, #fields, 2 do
    if fields[i] == 'o' then o = fields[i + 1] elseif fields[i] == 'k' then id = fields[i + 1] end
  end
  if not (o and id) or #o > 64 or #id > 64 then
    return dead_entry(stream, entry, fields, 'a queue entry without an owner hash and a task id')
  end
  local key = task_key(o, id)
  local task = redis.pcall('HMGET', key, 'o', 's', 'a', 'e', 'w', 'd', 'q', 'v', 'x', 'f')
  if task.err or not task[1] then
    return dead_entry(stream, entry, fields, 'a queue entry of a task that is not there')
  end
  local owner, status, attempt, q, saved, trace = task[1], task[2], task[3], task[7], task[8], task[9]
  if task[4] ~= entry then return drop_entry(stream, entry) end
  if status == 'running' and task[5] == worker then
    return {o, id, owner, tonumber(attempt), entry, q, task[6], saved or '', trace or '',
      tonumber(task[10] or 0)}
  end
  if status ~= 'queued' then return drop_entry(stream, entry) end
  local reason = damage(task[6], attempt, q)
  if reason then return dead_entry(stream, entry, fields, reason, key, o) end
  local kind = knows and type_of(task[6])
  if knows and not knows[kind] then
    drop_entry(stream, entry)
    redis.call('HSET', key, 'e', '')
    redis.call('SADD', prefix .. ':unclaimed', kind)
    redis.call('RPUSH', prefix .. ':unclaimed:' .. kind, o .. ':' .. id)
    pass_on(o, q)
    return nil, q
  end
  attempt = attempt + 1
  redis.call('HSET', key, 's', 'running', 'a', attempt, 'w', worker)
  if attempt > 1 then redis.call('HDEL', key, 'n', 'g', 'm', 'l') end
  emit('started', id, owner, attempt, '{"worker":"' .. worker .. '"}', trace and {'x', trace})
  return {o, id, owner, attempt, entry, q, task[6], saved or '', trace or '',
      tonumber(task[10] or 0)}
end
