#!lua flags=allow-oom
-- End attempts, then take work and start it: raise the caller's lease, promote what is due, start at
-- most `room` tasks, higher priorities first. Tasks of types that the caller does not know are set aside; who
-- knows them puts them into their queues again.
-- KEYS[1] log  [2] leases  [3..] queue streams, in the order to serve them
-- ARGV[1] prefix  [2] worker incarnation  [3] room  [4] "1" when the caller holds tasks here
--      [5] the task types it knows, each between spaces ("" = all)
--      [6..] attempts that have ended, as `end_attempts` reads them
-- Answer: {"ok", {worker, beats, ...}, {{o, id, owner, attempt, entry, "queue:p", created data,
--          saved, trace, failures}...}, ms until there is more to take or -1,
--          {types of tasks that were set aside and that the caller does not know},
--          {what `end_attempts` returns}} | {"fenced"}
-- A lost answer leaves its tasks running in this worker's name: `resume` finds them.
local leases, worker, room = KEYS[2], ARGV[2], tonumber(ARGV[3])
local ends = end_attempts(worker, 6)
takes_next = room > 0
settle() -- what the ended ones made place for can be taken at once
takes_next = false
if ARGV[4] == '1' and redis.call('HEXISTS', leases, worker) == 0 then return {'fenced'} end
redis.call('HINCRBY', leases, worker, 1)

local knows = nil
if ARGV[5] ~= '' then
  knows = {}
  for kind in string.gmatch(ARGV[5], '%S+') do knows[kind] = true end
end

local function claim(kind)
  local list = prefix .. ':unclaimed:' .. kind
  for _ = 1, PAGE do
    local member = redis.call('LPOP', list)
    if not member then return redis.call('SREM', prefix .. ':unclaimed', kind) end
    local o, id = string.match(member, '^([^:]+):(.+)$')
    local task = redis.call('HMGET', task_key(o, id), 's', 'e', 'q')
    if task[1] == 'queued' and task[2] == '' then
      enqueue(task_key(o, id), o, id, task[3], 0)
      ring(task[3])
    end
  end
end

if room > 0 then
  for _, kind in ipairs(redis.call('SMEMBERS', prefix .. ':unclaimed')) do
    if not knows or knows[kind] then claim(kind) end
  end
end

local delayed = prefix .. ':delayed'
for _, member in ipairs(redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, PAGE)) do
  if redis.call('ZREM', delayed, member) == 1 then
    local o, id = string.match(member, '^([^:]+):(.+)$')
    local key = task_key(o or '', id or '')
    local task = redis.call('HMGET', key, 's', 'q', 'e')
    if task[1] == 'scheduled' or task[1] == 'retrying' then
      requeue(key, o, id, task[2], task[3])
    end
  end
end

local function unread(stream)
  local reply = redis.pcall('XREADGROUP', 'GROUP', 'workers', worker, 'COUNT', room,
    'STREAMS', stream, '>')
  if reply and reply.err then
    if not string.find(reply.err, 'NOGROUP', 1, true) then error(reply.err) end
    redis.call('XGROUP', 'CREATE', stream, 'workers', '0')
    reply = redis.call('XREADGROUP', 'GROUP', 'workers', worker, 'COUNT', room,
      'STREAMS', stream, '>')
  end
  return reply and reply[1][2] or {}
end

-- Garbage makes no room for itself: it is looked at in the same call, within bounds.
local started, looked, more = {}, 0, false
for i = 3, #KEYS do
  local full = redis.call('XLEN', KEYS[i]) > 0
  while full and room > 0 and looked < PAGE do
    local asked, entries = room, unread(KEYS[i])
    for _, entry in ipairs(entries) do
      local task, aside = start_entry(KEYS[i], entry[1], entry[2], worker, knows)
      if task then started[#started + 1] = task; room = room - 1 end
      if aside then ring(aside) end
    end
    looked, full = looked + #entries, #entries == asked
  end
  more = more or (full and room > 0)
end
local due = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2]
more = more or next(places) -- what was set aside or dead makes place for others
due = more and 0 or due and math.max(0, due - now) or -1
local unclaimed = {}
for _, kind in ipairs(knows and redis.call('SMEMBERS', prefix .. ':unclaimed') or {}) do
  if not knows[kind] then unclaimed[#unclaimed + 1] = kind end
end
return {'ok', redis.call('HGETALL', leases), started, due, unclaimed, ends}
