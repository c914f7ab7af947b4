-- Part of `take`, `resume` and `redrive`, behind the prelude: which tasks a worker has to leave to
-- others or to later (operators pause queues and types), and where they wait. `caller` has its
-- `worker`, `knows` (type -> true; nil for every type), `limits` (type -> most running ones of
-- an owner), `rooms` (type -> how many more it takes; nil for any number), `alone` (true while it
-- takes a suspect) and `says` (data of `started`).

-- So many crashes make a task a suspect of having caused them: it runs with nothing beside it.
local SUSPECT = MAX_CRASHES - 1

-- What operators have paused: "queue <name>" or "type <name>" -> true. Read once a call, and only
-- where something could be started; mostly there is nothing.
local pauses
local function is_paused(what, name)
  if not pauses then
    pauses = {}
    local found = redis.call('HGETALL', prefix .. ':paused')
    for i = 1, #found, 2 do pauses[found[i]] = true end
  end
  return next(pauses) and pauses[what .. ' ' .. name]
end

local function at_limit(caller, o, kind)
  local limit = caller.limits[kind]
  return limit and redis.call('SCARD', prefix .. ':running:' .. o .. ':' .. kind) >= limit
end

-- The name of the line in which a task has to wait; nil when the caller may start it now. The second
-- value is true when it waits for its owner's running ones, not for another worker.
local function waits_in(caller, o, kind, crashes)
  if is_paused('type', kind) then return crashes >= SUSPECT and kind .. '!' or kind end
  if caller.knows and not caller.knows[kind] then return kind end
  if crashes >= SUSPECT and not caller.alone then return kind .. '!' end
  if at_limit(caller, o, kind) then return kind, true end
  if caller.rooms[kind] == 0 then return kind end
end

local function wait_for_slot(o, kind, line)
  redis.call('SADD', prefix .. ':limited:' .. o .. ':' .. kind, line)
end

-- Let a task, its entry gone, wait in its owner's list of a line: behind the others or, what was
-- begun or claimed before, in front of them. Returns the line where a worker may claim it.
local function set_aside(key, o, id, q, kind, name, limited, first)
  local line = q .. ':' .. name
  redis.call('HSET', key, 'e', '')
  redis.call(first and 'LPUSH' or 'RPUSH', prefix .. ':aside:' .. o .. ':' .. line, id)
  if limited then return wait_for_slot(o, kind, line) end
  give_turn(line, o)
  ring(q)
  return line
end
