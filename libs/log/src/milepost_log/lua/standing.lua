#!lua flags=no-writes
-- Say where one task stands and what is before it. Reads only, and at most so many entries: what is
-- beyond them is estimated by the time they came in, so that a million cost no more than a thousand.
-- KEYS[1] log  [2] leases  [3] task
-- ARGV[1] prefix  [2] owner hash  [3] id  [4] entries to count at most  [5] its type
-- Answer: {} for a task that is not there | {status, attempt, worker or "", beats or "",
--          "stream" | "own" | "limit" | "alone" | "aside" | "", tasks before it or -1,
--          1 when a suspect waits or runs alone in its queue, else 0,
--          what an operator paused of it: "queue" | "type" | "", and its value in `paused` or ""}
-- "own": its owner has a whole share in the queue; "limit": as many of the type run as one owner may
-- have; "alone": it is a suspect, and waits for a worker that runs nothing beside it; "aside": it
-- waits for a worker that may take it.
local task = redis.call('HMGET', KEYS[3], 's', 'a', 'w', 'e', 'q', 'c')
local status, attempt, worker, e, q = task[1], task[2], task[3] or '', task[4] or '', task[5]
if not status then return {} end
local o, id, most = ARGV[2], ARGV[3], tonumber(ARGV[4])

local function ms_of(entry) return tonumber(string.match(entry, '^%d+')) end

local function before_in(stream, entry)
  local size, last = untaken(stream)
  local ahead = redis.call('XRANGE', stream, '(' .. last, '(' .. entry, 'COUNT', most)
  if #ahead < most or size <= most then return math.min(#ahead, size) end
  local from, to = ms_of(ahead[most][1]), ms_of(redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1][1])
  local share = to > from and (ms_of(entry) - from) / (to - from) or 1
  return most + math.floor((size - most) * math.min(1, math.max(0, share)))
end

local function streams_of(line) return {queue_key(line), prefix .. ':express:' .. line} end

local function higher(queue, letter)
  local sum = 0
  for _, other in ipairs({'h', 'n', 'l'}) do
    if other == letter then return sum end
    for _, stream in ipairs(streams_of(queue .. ':' .. other)) do sum = sum + untaken(stream) end
  end
  return sum
end

-- Tasks that lost so many workers run with nothing beside them, see aside.lua.
local SUSPECT = MAX_CRASHES - 1

-- Whether others of a queue may have to wait for a suspect, as far as a look at few keys tells.
local function suspects(queue)
  for _, line in ipairs(redis.call('SMEMBERS', prefix .. ':unclaimed')) do
    if string.sub(line, 1, #queue + 1) == queue .. ':' and string.sub(line, -1) == '!' then return 1 end
  end
  for _, entry in ipairs(redis.call('XRANGE', claimed, '-', '+', 'COUNT', PAGE)) do
    local about = redis.call('HMGET', task_key(entry[2][2], entry[2][4]), 's', 'c', 'q')
    if about[1] == 'running' and tonumber(about[2] or 0) >= SUSPECT
      and string.sub(about[3] or '', 1, -3) == queue then return 1 end
  end
  return 0
end

local waits, ahead, beside = '', -1, 0
if status == 'queued' and q then
  local queue, letter = string.sub(q, 1, -3), string.sub(q, -1)
  local lane = string.sub(e, 1, 1)
  beside = suspects(queue)
  if lane == 'c' then
    waits, ahead = 'stream', 0
  elseif lane == 'x' then
    waits, ahead = 'stream', higher(queue, letter) + before_in(streams_of(q)[2], string.sub(e, 2))
  elseif e ~= '' then
    waits = 'stream'
    ahead = higher(queue, letter) + untaken(streams_of(q)[2]) + before_in(queue_key(q), e)
  else
    local list = waiting_key(q, o)
    local place = redis.call('LPOS', list, id, 'MAXLEN', 10 * most)
    local length = redis.call('LLEN', list)
    if place or length > 10 * most then
      waits = 'own'
      ahead = higher(queue, letter) + (place or length)
      for _, stream in ipairs(streams_of(q)) do ahead = ahead + untaken(stream) end
    else
      local line = q .. ':' .. ARGV[5]
      local limited = redis.call('SISMEMBER', prefix .. ':limited:' .. o .. ':' .. ARGV[5], line) == 1
      waits = limited and 'limit' or 'aside'
      if tonumber(task[6] or 0) >= SUSPECT then waits, line = 'alone', line .. '!' end
      ahead = redis.call('LPOS', prefix .. ':aside:' .. o .. ':' .. line, id, 'MAXLEN', 10 * most) or -1
    end
  end
end
local paused, about = '', ''
if status ~= 'running' and q then
  local names, queue = {'queue', 'type'}, string.sub(q, 1, -3)
  local found = redis.call('HMGET', prefix .. ':paused', 'queue ' .. queue, 'type ' .. ARGV[5])
  for i = 2, 1, -1 do
    if found[i] then paused, about = names[i], found[i] end
  end
end
local beats = worker ~= '' and redis.call('HGET', KEYS[2], worker) or ''
return {status, tonumber(attempt or 0), worker, beats, waits, ahead, beside, paused, about}
