-- Part of `take`, behind `start`: reads entries and starts their tasks, and starts what waits aside,
-- owner by owner in turn.
local started, looked, lines = {}, 0, {}

-- A line in which tasks wait aside, when the caller serves its queue and nobody has paused it.
local function note_line(line, serves)
  local q, name = string.match(line, '^([^:]+:[hnl]):(.+)$')
  if not (q and serves[q]) or lines[line] then return end
  local kind = string.match(name, '^(.-)!?$')
  if is_paused('type', kind) then return end
  lines[line] = {q = q, kind = kind, suspect = kind ~= name}
end

local function unread(stream, worker, count)
  local reply = redis.pcall('XREADGROUP', 'GROUP', 'workers', worker, 'COUNT', count,
    'STREAMS', stream, '>')
  if reply and reply.err then
    if not string.find(reply.err, 'NOGROUP', 1, true) then error(reply.err) end
    redis.call('XGROUP', 'CREATE', stream, 'workers', '0')
    reply = redis.call('XREADGROUP', 'GROUP', 'workers', worker, 'COUNT', count,
      'STREAMS', stream, '>')
  end
  return reply and reply[1][2] or {}
end

-- Read at most `count` entries of a stream and start what may start: how many were read.
local function read_and_start(stream, count, caller, serves)
  local entries = unread(stream, caller.worker, count)
  for _, entry in ipairs(entries) do
    local task, line = start_entry(stream, entry[1], entry[2], caller)
    if task then started[#started + 1] = task end
    if line then note_line(line, serves) end
  end
  looked = looked + #entries
  return #entries
end

local function may_claim(line, caller)
  if caller.knows and not caller.knows[line.kind] then return false end
  return line.suspect == caller.alone and caller.rooms[line.kind] ~= 0
end

-- The line of a queue and priority whose first owner has waited longest, and that owner.
local function next_turn(q, caller)
  local line, owner, turn
  for name, about in pairs(lines) do
    if about.q == q and may_claim(about, caller) then
      local head = redis.call('ZRANGE', prefix .. ':unclaimed:' .. name, 0, 0, 'WITHSCORES')
      if not head[1] then
        lines[name] = nil
        redis.call('SREM', prefix .. ':unclaimed', name)
      elseif not turn or tonumber(head[2]) < turn then
        line, owner, turn = name, head[1], tonumber(head[2])
      end
    end
  end
  return line, owner
end

-- Start the task whose turn it is among those that wait aside at a queue and priority. False when
-- there is none that the caller may start.
local function claim(q, caller, serves)
  local line, o = next_turn(q, caller)
  if not line then return false end
  local kind, list = lines[line].kind, prefix .. ':aside:' .. o .. ':' .. line
  redis.call('ZREM', prefix .. ':unclaimed:' .. line, o)
  looked = looked + 1
  if at_limit(caller, o, kind) then
    wait_for_slot(o, kind, line)
    return true
  end
  local id = redis.call('LPOP', list)
  local task = id and redis.call('HMGET', task_key(o, id), 's', 'e') or {}
  if task[1] == 'queued' and task[2] == '' then -- else it has ended meanwhile
    add_entry(task_key(o, id), o, id, q, 'c')
    read_and_start(claimed, PAGE, caller, serves)
  end
  if redis.call('EXISTS', list) == 1 then
    give_turn(line, o)
  elseif redis.call('EXISTS', prefix .. ':unclaimed:' .. line) == 0 then
    lines[line] = nil
    redis.call('SREM', prefix .. ':unclaimed', line)
  end
  return true
end
