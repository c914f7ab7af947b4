-- Stands in front of every script. Owns how an event enters the log and how a task leaves a queue.
-- Every script: KEYS[1] = the partition's log; ARGV[1] = the partition's key prefix, "{ns:p}".
local log, prefix = KEYS[1], ARGV[1]
local namespace, partition = string.match(prefix, '^{(.*):(%d+)}$')

-- A worker process that vanished with the same task so often ends it: the task is what kills it.
local MAX_CRASHES = 3
-- How long a task's live state outlives its end.
local KEEP_SECONDS = 90000
-- How many entries of a queue one owner may have in its stream; the rest waits in lists, so that
-- nobody's 10,000 tasks stand before another's one.
local SHARE = 64
-- Entries looked at in one call where their number is not the caller's.
local PAGE = 100
-- How many dead letters a partition keeps; each has at most some 5 KiB. The oldest go first.
local MAX_DEAD = 1000

-- On a slot that is moved to another node key by key, what is absent here may be there: asking for a
-- key that never is fails then, before anything has been changed.
redis.call('EXISTS', prefix .. ':absent')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local clock_is_behind, clock_is_known = false, false
-- Every call into the server costs about as much as what it does: what is once true is not asked again.
local rung, registered = {}, {}

local function task_key(o, id) return prefix .. ':task:' .. o .. ':' .. id end
local function owner_key(o) return prefix .. ':owner:' .. o end
local function queue_key(q) return prefix .. ':queue:' .. q end

local function event(kind, task, owner, attempt, data, extra)
  local entry = {'t', kind, 'k', task, 'o', owner, 'a', attempt, 'd', data}
  if clock_is_behind then entry[#entry + 1] = 'at'; entry[#entry + 1] = now end
  for i = 1, extra and #extra or 0 do entry[#entry + 1] = extra[i] end
  return redis.call('XADD', log, '*', unpack(entry))
end

-- Append an event and return its id. Where Redis' clock has stepped back, stream ids run ahead of
-- it: then the entry says the time itself. Found out by the first append, so it costs nothing else.
local function emit(kind, task, owner, attempt, data, extra)
  local id = event(kind, task, owner, attempt, data, extra)
  if clock_is_known then return id end
  clock_is_known = true
  if tonumber(string.match(id, '^%d+')) > now + 5 then
    clock_is_behind = true
    redis.call('XDEL', log, id)
    return event(kind, task, owner, attempt, data, extra)
  end
  return id
end

-- Wake idle workers of a queue, named "queue:priority letter" in task hashes; once a call, they
-- cannot look before it is over.
local function ring(q)
  local queue = string.sub(q, 1, -3)
  if rung[queue] then return end
  rung[queue] = true
  redis.call('PUBLISH', namespace .. ':bell:' .. queue, partition)
end

local function waiting_key(q, o) return prefix .. ':waiting:' .. o .. ':' .. q end

-- Put a ready task into its queue's stream, or, beyond its owner's share, into the owner's list.
-- Returns its entry, "" for one that waits. `held`: the share it has already (1) or not (0).
local function enqueue(key, o, id, q, held)
  local queue, entry = string.sub(q, 1, -3), ''
  local counts, share = owner_key(o), 'in:' .. queue
  if held == 1 or tonumber(redis.call('HGET', counts, share) or 0) < SHARE then
    if not registered[queue] then
      registered[queue] = true
      redis.call('SADD', prefix .. ':queues', queue)
    end
    if held == 0 then redis.call('HINCRBY', counts, share, 1) end
    entry = redis.call('XADD', queue_key(q), '*', 'o', o, 'k', id)
  else
    redis.call('RPUSH', waiting_key(q, o), id)
  end
  redis.call('HSET', key, 's', 'queued', 'e', entry)
  return entry
end

-- Every call into the server costs as much as what it does. What many tasks of one call do to the
-- same key is gathered here and done once, by `settle`, which stands behind every script.
local dropped, places, ended = {}, {}, {}
-- True where the caller takes next what it makes place for: then nobody has to be woken for that.
local takes_next = false

local function add(sums, key, more) sums[key] = (sums[key] or 0) + more end

-- Take an entry out of its stream for good.
local function drop_entry(stream, entry)
  local entries = dropped[stream]
  if not entries then entries = {}; dropped[stream] = entries end
  entries[#entries + 1] = entry
end

-- Give back an owner's place in a queue, named as in task hashes; to whom, `settle` decides.
local function pass_on(o, q) add(places, o .. ' ' .. string.sub(q, 1, -3), 1) end

-- Give `free` places of an owner to his tasks that wait for one, higher priorities first, passing
-- over what has ended meanwhile. Returns how many places nobody waits for.
local function fill(o, queue, free)
  local lists = waiting_key(queue, o)
  if redis.call('EXISTS', lists .. ':h', lists .. ':n', lists .. ':l') == 0 then return free end
  for _, priority in ipairs({':h', ':n', ':l'}) do
    local waiting = redis.call('LPOP', lists .. priority, free)
    while waiting and free > 0 do
      for _, id in ipairs(waiting) do
        local key = task_key(o, id)
        local task = redis.call('HMGET', key, 's', 'e')
        if task[1] == 'queued' and task[2] == '' then
          enqueue(key, o, id, queue .. priority, 1)
          if not takes_next then ring(queue .. priority) end
          free = free - 1
        end
      end
      waiting = free > 0 and redis.call('LPOP', lists .. priority, free)
    end
  end
  return free
end

local function settle()
  for stream, entries in pairs(dropped) do
    for i = 1, #entries, PAGE do
      local last = math.min(i + PAGE - 1, #entries)
      redis.call('XACK', stream, 'workers', unpack(entries, i, last))
      redis.call('XDEL', stream, unpack(entries, i, last))
    end
  end
  for place, free in pairs(places) do
    local o, queue = string.match(place, '^(%S+) (%S+)$')
    free = fill(o, queue, free)
    if free > 0 and redis.call('HINCRBY', owner_key(o), 'in:' .. queue, -free) <= 0 then
      redis.call('HDEL', owner_key(o), 'in:' .. queue)
    end
  end
  for o, count in pairs(ended) do
    local counts = owner_key(o)
    if redis.call('HINCRBY', counts, 'live', -count) <= 0 and redis.call('HLEN', counts) == 1 then
      redis.call('DEL', counts)
    end
  end
  dropped, places, ended = {}, {}, {}
end

-- Keep what nobody can read, with the reason; its own fields, cut short, behind a dot.
local function bury(stream, entry, reason, fields)
  local letter = {'stream', stream, 'entry', entry, 'reason', reason}
  for i = 1, math.min(#fields, 16), 2 do
    letter[#letter + 1] = '.' .. string.sub(fields[i], 1, 100)
    letter[#letter + 1] = string.sub(fields[i + 1], 1, 500)
  end
  return redis.call('XADD', prefix .. ':dead', 'MAXLEN', MAX_DEAD, '*', unpack(letter))
end

-- End a task: terminal event, acknowledgement and the owner's count in one step.
local function end_task(key, o, id, owner, attempt, q, entry, status, data, extra)
  redis.call('HSET', key, 's', status, 'e', '', 'v', '')
  if entry ~= '' then
    drop_entry(queue_key(q), entry)
    pass_on(o, q)
  else
    redis.call('ZREM', prefix .. ':delayed', o .. ':' .. id)
  end
  redis.call('EXPIRE', key, KEEP_SECONDS)
  add(ended, o, 1)
  return emit(status, id, owner, attempt, data, extra)
end

-- Give up an attempt until `delay` ms from now; the event says when that is by our clock.
local function retry_later(key, o, id, owner, attempt, q, entry, data, delay)
  local due = string.format('%.0f', now + tonumber(delay))
  drop_entry(queue_key(q), entry)
  redis.call('ZADD', prefix .. ':delayed', due, o .. ':' .. id)
  redis.call('HSET', key, 's', 'retrying', 'e', '')
  pass_on(o, q)
  redis.call('HINCRBY', key, 'f', 1)
  emit('retrying', id, owner, attempt, string.sub(data, 1, -2) .. ',"runs_at":' .. due .. '}')
end

-- Put a task that left a worker, or came due, into its queue again: a NEW entry, the old one gone.
local function requeue(key, o, id, q, entry)
  if entry ~= '' then drop_entry(queue_key(q), entry) end
  enqueue(key, o, id, q, entry ~= '' and 1 or 0)
  redis.call('HDEL', key, 'w')
  ring(q)
end

-- Whether stream id a comes after b; by length and digits, since a double cannot hold 64 bits.
local function is_after(a, b)
  local a_ms, a_seq = string.match(a, '^(%d+)-(%d+)$')
  local b_ms, b_seq = string.match(b, '^(%d+)-(%d+)$')
  if a_ms == b_ms then a_ms, b_ms = a_seq, b_seq end
  if #a_ms ~= #b_ms then return #a_ms > #b_ms end
  return a_ms > b_ms
end
