#!lua flags=allow-oom
-- Take work and start it: raise the caller's lease, promote what is due, then start at most `room`
-- tasks, higher priorities first.
-- KEYS[1] log  [2] leases  [3..] queue streams, in the order to serve them
-- ARGV[1] prefix  [2] worker incarnation  [3] room  [4] "1" when the caller holds tasks here
-- Answer: {"ok", {worker, beats, ...}, {{o, id, owner, attempt, entry, "queue:p", created data,
--          saved, trace, failures}...}, ms until the next delayed task is due or -1} | {"fenced"}
-- A lost answer leaves its tasks running in this worker's name: `resume` finds them.
local leases, worker, room = KEYS[2], ARGV[2], tonumber(ARGV[3])
if ARGV[4] == '1' and redis.call('HEXISTS', leases, worker) == 0 then return {'fenced'} end
redis.call('HINCRBY', leases, worker, 1)

local delayed = prefix .. ':delayed'
for _, member in ipairs(redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, PAGE)) do
  if redis.call('ZREM', delayed, member) == 1 then
    local o, id = string.match(member, '^([^:]+):(.+)$')
    local key = task_key(o, id)
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

local started = {}
for i = 3, #KEYS do
  if room <= 0 then break end
  if redis.call('XLEN', KEYS[i]) > 0 then
    for _, entry in ipairs(unread(KEYS[i])) do
      local task = start_entry(KEYS[i], entry[1], entry[2], worker)
      if task then started[#started + 1] = task; room = room - 1 end
    end
  end
end
local due = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2]
return {'ok', redis.call('HGETALL', leases), started, due and math.max(0, due - now) or -1}
