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
-- Who has fewer in its streams than this has little there: it takes the express lane, so that it
-- does not stand behind the shares of those who have much.
local EXPRESS = 3
-- Entries looked at in one call where their number is not the caller's.
local PAGE = 100
-- How many dead letters a partition keeps; each has at most some 5 KiB. The oldest go first.
local MAX_DEAD = 1000

-- On a slot that is moved to another node key by key, what is absent here may be there: asking for a
-- key that never is fails then, before anything has been changed.
redis.call('EXISTS', (string.match(log, '^{[^}]+}') or '{' .. log .. '}') .. ':absent')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local clock_is_behind, clock_is_known = false, false
-- Every call into the server costs about as much as what it does: what is once true is not asked again.
local rung, registered = {}, {}

local function task_key(o, id) return prefix .. ':task:' .. o .. ':' .. id end
local function owner_key(o) return prefix .. ':owner:' .. o end
local function queue_key(q) return prefix .. ':queue:' .. q end
local function express_key(q) return prefix .. ':express:' .. q end
local claimed = prefix .. ':claimed'

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

-- How many tasks stand where, by status; the queued ones by queue. What a call moves from one place
-- to another is gathered here and written once, by `write_counts`, behind every script: accepted is
-- always what has ended and what lives.
local counted = {}
local function tally(place, more) counted[place] = (counted[place] or 0) + more end
local function place_of(status, q)
  return status == 'queued' and 'queued:' .. string.sub(q, 1, -3) or status
end

local function write_counts()
  for place, more in pairs(counted) do
    if more ~= 0 then
      redis.call('HINCRBY', prefix .. ':counts', place, string.format('%.0f', more))
    end
  end
  counted = {}
end

local function waiting_key(q, o) return prefix .. ':waiting:' .. o .. ':' .. q end

-- The stream that a task's `e` is in, and its entry there. `e` begins with x in an express lane,
-- with c in `claimed`.
local function stream_of(q, e)
  local lane = string.sub(e, 1, 1)
  if lane == 'x' then return express_key(q), string.sub(e, 2) end
  if lane == 'c' then return claimed, string.sub(e, 2) end
  return queue_key(q), e
end

local function add_entry(key, o, id, q, lane)
  local queue = string.sub(q, 1, -3)
  if not registered[queue] then
    registered[queue] = true
    redis.call('SADD', prefix .. ':queues', queue)
  end
  local entry = redis.call('XADD', stream_of(q, lane), '*', 'o', o, 'k', id)
  redis.call('HSET', key, 's', 'queued', 'e', lane .. entry)
end

-- Put a ready task into a stream of its queue or, beyond its owner's share, into the owner's list.
-- `held`: the share it has already (1) or not (0).
local function enqueue(key, o, id, q, held)
  tally(place_of('queued', q), 1)
  local counts, share = owner_key(o), 'in:' .. string.sub(q, 1, -3)
  local others = tonumber(redis.call('HGET', counts, share) or 0) - held
  if others < SHARE then
    if held == 0 then redis.call('HINCRBY', counts, share, 1) end
    add_entry(key, o, id, q, others < EXPRESS and 'x' or '')
  else
    redis.call('RPUSH', waiting_key(q, o), id)
    redis.call('HSET', key, 's', 'queued', 'e', '')
  end
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
          add_entry(key, o, id, queue .. priority, '')
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

-- Owners whose tasks wait aside in a line, "queue:priority letter:name", take turns: each stands in
-- it once, behind all others. Turns are in milliseconds, so that those of several lines compare.
local turns_given = 0
local function give_turn(line, o)
  local turns = prefix .. ':unclaimed:' .. line
  local last = redis.call('ZRANGE', turns, -1, -1, 'WITHSCORES')[2]
  if not last then redis.call('SADD', prefix .. ':unclaimed', line) end
  turns_given = turns_given + 1
  local turn = math.max(now + turns_given / 1024, (tonumber(last) or 0) + 1 / 1024)
  redis.call('ZADD', turns, 'NX', string.format('%.4f', turn), o)
end

-- An attempt is over that counted against its owner's limit on running tasks of a type, if one did:
-- what waits aside for that may be claimed.
local function free_slot(o, id, kind)
  if not kind then return end
  redis.call('SREM', prefix .. ':running:' .. o .. ':' .. kind, id)
  local limited = prefix .. ':limited:' .. o .. ':' .. kind
  local lines = redis.call('SMEMBERS', limited)
  for _, line in ipairs(lines) do
    give_turn(line, o)
    ring(string.match(line, '^[^:]+:[hnl]'))
  end
  if #lines > 0 then redis.call('DEL', limited) end
end

-- Take a task's entry out of its stream for good. What was claimed from aside holds no share.
local function leave_stream(o, q, e)
  drop_entry(stream_of(q, e))
  if string.sub(e, 1, 1) ~= 'c' then pass_on(o, q) end
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

-- End a task: terminal event, acknowledgement and the owner's count in one step. The caller has
-- counted it where it was. `e` is its entry, "" for none; `slot` the type whose limit its attempt
-- counts against, if any.
local function end_task(key, o, id, owner, attempt, q, e, slot, status, data, extra)
  if status == 'succeeded' then -- nobody may run it again: its params, 500 KiB perhaps, go with it
    redis.call('HSET', key, 's', status, 'e', '', 'v', '', 'd', '')
  else
    redis.call('HSET', key, 's', status, 'e', '', 'v', '')
  end
  if e ~= '' then
    leave_stream(o, q, e)
  else
    redis.call('ZREM', prefix .. ':delayed', o .. ':' .. id)
  end
  free_slot(o, id, slot)
  redis.call('EXPIRE', key, KEEP_SECONDS)
  add(ended, o, 1)
  tally(status, 1)
  return emit(status, id, owner, attempt, data, extra)
end

-- Give up an attempt until `delay` ms from now; the event says when that is by our clock.
local function retry_later(key, o, id, owner, attempt, q, e, slot, data, delay)
  local due = string.format('%.0f', now + tonumber(delay))
  redis.call('ZADD', prefix .. ':delayed', due, o .. ':' .. id)
  redis.call('HSET', key, 's', 'retrying', 'e', '')
  leave_stream(o, q, e)
  free_slot(o, id, slot)
  redis.call('HINCRBY', key, 'f', 1)
  tally('retrying', 1)
  emit('retrying', id, owner, attempt, string.sub(data, 1, -2) .. ',"runs_at":' .. due .. '}')
end

-- Put a task that left a worker, or came due, into its queue again: a NEW entry, the old one gone.
local function requeue(key, o, id, q, e, slot)
  if e ~= '' then drop_entry(stream_of(q, e)) end
  local has_share = e ~= '' and string.sub(e, 1, 1) ~= 'c'
  enqueue(key, o, id, q, has_share and 1 or 0)
  redis.call('HDEL', key, 'w')
  free_slot(o, id, slot)
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
