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

-- Give back an owner's share of a queue: to the next task that waits for it, higher priorities
-- first, passing over what has ended meanwhile.
local function pass_on(o, q)
  local queue = string.sub(q, 1, -3)
  local lists = waiting_key(queue, o)
  if redis.call('EXISTS', lists .. ':h', lists .. ':n', lists .. ':l') == 0 then
    if redis.call('HINCRBY', owner_key(o), 'in:' .. queue, -1) <= 0 then
      redis.call('HDEL', owner_key(o), 'in:' .. queue)
    end
    return
  end
  for _, priority in ipairs({':h', ':n', ':l'}) do
    local list = lists .. priority
    local id = redis.call('LPOP', list)
    while id do
      local key = task_key(o, id)
      local task = redis.call('HMGET', key, 's', 'e')
      if task[1] == 'queued' and task[2] == '' then
        enqueue(key, o, id, queue .. priority, 1)
        return ring(queue .. priority)
      end
      id = redis.call('LPOP', list)
    end
  end
  if redis.call('HINCRBY', owner_key(o), 'in:' .. queue, -1) <= 0 then
    redis.call('HDEL', owner_key(o), 'in:' .. queue)
  end
end

local function drop_entry(stream, entry)
  redis.call('XACK', stream, 'workers', entry)
  redis.call('XDEL', stream, entry)
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
  local counts = owner_key(o)
  if redis.call('HINCRBY', counts, 'live', -1) <= 0 and redis.call('HLEN', counts) == 1 then
    redis.call('DEL', counts)
  end
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
