-- Part of `take`, `resume` and `redrive`, behind the prelude: reads a queue entry's task and starts
-- it. Entries that nobody can read go to the dead letters with their reason.

-- Why a task can be started by nobody; nil when it can.
local function damage(kind, attempt, q)
  if not kind then return 'its task does not say what to do' end
  if not string.match(attempt or '', '^%d+$') then return 'its task has no number of attempts' end
  if not string.match(q or '', '^[a-z0-9_-]+:[hnl]$') then return 'its task names no queue' end
end

-- The letter that marks a stream in its entries' tasks, and the queue and priority it is for.
local function lane_of(stream)
  if stream == claimed then return 'c', nil end
  local q = string.match(stream, '^:express:(.*)$', #prefix + 1)
  return q and 'x' or '', q or string.sub(stream, #queue_key('') + 1)
end

-- Its owner's share goes to the next; the task, if there is one, remembers its letter.
local function dead_entry(stream, entry, fields, reason, key, o)
  local letter = bury(stream, entry, reason, fields)
  drop_entry(stream, entry)
  if key then
    redis.call('HSET', key, 'e', '', 'j', letter)
    local lane, q = lane_of(stream)
    if q then pass_on(o, q) end
  end
end

-- Start the task of one entry. Nil when the entry is not (or no more) the one its task waits on:
-- then it is dropped; or when the task has to wait aside, with no attempt counted: where a worker may
-- claim it, its line is the second value.
local function start_entry(stream, entry, fields, caller)
  local o, id
  for i = 1, #fields, 2 do
    if fields[i] == 'o' then o = fields[i + 1] elseif fields[i] == 'k' then id = fields[i + 1] end
  end
  if not (o and id) or #o > 64 or #id > 64 then
    return dead_entry(stream, entry, fields, 'a queue entry without an owner hash and a task id')
  end
  local key, lane = task_key(o, id), lane_of(stream)
  local task = redis.pcall('HMGET', key, 'o', 's', 'a', 'e', 'w', 'd', 'q', 'v', 'x', 'f', 'c')
  if task.err or not task[1] then
    return dead_entry(stream, entry, fields, 'a queue entry of a task that is not there')
  end
  local owner, status, attempt, q, saved, trace = task[1], task[2], task[3], task[7], task[8], task[9]
  local crashes = tonumber(task[11] or 0)
  if task[4] ~= lane .. entry then return drop_entry(stream, entry) end
  if status == 'running' and task[5] == caller.worker then
    return {o, id, owner, tonumber(attempt), task[4], q, task[6], saved or '', trace or '',
      tonumber(task[10] or 0), crashes}
  end
  if status ~= 'queued' then return drop_entry(stream, entry) end
  local kind = task[6] and type_of(task[6])
  local reason = damage(kind, attempt, q)
  if reason then return dead_entry(stream, entry, fields, reason, key, o) end
  local name, limited = waits_in(caller, o, kind, crashes)
  if name then
    local line = set_aside(key, o, id, q, kind, name, limited, lane == 'c' or attempt ~= '0')
    leave_stream(o, q, task[4])
    return nil, line
  end
  tally(place_of('queued', q), -1)
  tally('running', 1)
  attempt = attempt + 1
  redis.call('HSET', key, 's', 'running', 'a', attempt, 'w', caller.worker)
  if attempt > 1 then redis.call('HDEL', key, 'n', 'g', 'm', 'l') end
  if caller.limits[kind] then
    redis.call('SADD', prefix .. ':running:' .. o .. ':' .. kind, id)
    redis.call('HSET', key, 'r', kind)
  end
  emit('started', id, owner, attempt, caller.says, trace and {'x', trace})
  if caller.rooms[kind] then caller.rooms[kind] = caller.rooms[kind] - 1 end
  return {o, id, owner, attempt, task[4], q, task[6], saved or '', trace or '',
    tonumber(task[10] or 0), crashes}
end
