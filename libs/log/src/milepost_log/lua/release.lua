#!lua flags=allow-oom
-- Queue again what a worker holds: all of it, by takeover of a dead one or by its own hand-back.
-- KEYS[1] log  [2] leases
-- ARGV[1] prefix  [2] worker incarnation  [3] "worker_lost" | "shutdown"
--      [4] its beats as the observer saw them ("" for its own hand-back)
--      [5..] "queue:priority letter" and entry of those it gives back while it goes on (none = all)
-- Answer: {"moved"} when it has beaten since | {"ok", tasks released, 1 when nothing is left}
-- At most 100 entries of a stream a call. Repeatable: what is released is pending no more.
local leases, worker, reason = KEYS[2], ARGV[2], ARGV[3]
if ARGV[4] ~= '' and redis.call('HGET', leases, worker) ~= ARGV[4] then return {'moved'} end
local released, left = 0, false

local function release(stream, lane, entry)
  local fields = redis.call('XRANGE', stream, entry, entry)[1]
  local o = fields and fields[2][2]
  local id = fields and fields[2][4]
  local key = o and id and task_key(o, id)
  local task = key and redis.call('HMGET', key, 'o', 's', 'a', 'e', 'w', 'q', 'c', 'f', 'z', 'r') or {}
  if task[2] ~= 'running' or task[4] ~= lane .. entry or task[5] ~= worker then
    return drop_entry(stream, entry)
  end
  local crashes = tonumber(task[7] or 0) + (reason == 'worker_lost' and 1 or 0)
  released = released + 1
  tally('running', -1)
  redis.call('HSET', key, 'c', crashes)
  redis.call('HDEL', key, 'w') -- also where it ends here: its last worker's `finish` comes too late
  emit('returned', id, task[1], task[3], string.format(
    '{"reason":"%s","worker":"%s","crashes":%d}', reason, worker, crashes))
  if task[9] then
    end_task(key, o, id, task[1], task[3], task[6], task[4], task[10], 'cancelled', '{}')
  elseif crashes >= MAX_CRASHES then
    end_task(key, o, id, task[1], task[3], task[6], task[4], task[10], 'failed', string.format(
      '{"error":{"code":"worker_lost","message":"Its worker stopped unexpectedly %d times",' ..
      '"reference":"%s"},"failures":%d}', crashes, string.sub(id, -12), task[8] or 0))
  else
    requeue(key, o, id, task[6], task[4], task[10])
  end
end

local function release_all(stream, lane)
  if redis.call('EXISTS', stream) == 0 then return end
  local pending = redis.pcall('XPENDING', stream, 'workers', '-', '+', PAGE, worker)
  if pending.err then return end
  for _, row in ipairs(pending) do release(stream, lane, row[1]) end
  if #pending == PAGE then
    left = true
  else
    redis.call('XGROUP', 'DELCONSUMER', stream, 'workers', worker)
  end
end

if #ARGV > 4 then
  for at = 5, #ARGV, 2 do
    local stream, entry = stream_of(ARGV[at], ARGV[at + 1])
    release(stream, string.match(ARGV[at + 1], '^%a?'), entry)
  end
  return {'ok', released, 1}
end
release_all(claimed, 'c')
for _, queue in ipairs(redis.call('SMEMBERS', prefix .. ':queues')) do
  for _, priority in ipairs({':h', ':n', ':l'}) do
    release_all(express_key(queue .. priority), 'x')
    release_all(queue_key(queue .. priority), '')
  end
end
if not left then redis.call('HDEL', leases, worker) end
return {'ok', released, left and 0 or 1}
