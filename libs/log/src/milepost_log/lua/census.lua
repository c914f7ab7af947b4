#!lua flags=no-writes
-- Count what waits in a partition's queues, and whose workers beat. Reads only; what owners have
-- beyond their share is not looked at, so it costs the same however much waits.
-- KEYS[1] log  [2] leases
-- ARGV[1] prefix
-- Answer: {{worker, beats, ...}, {"queue:priority letter", entries nobody has taken, ...}}
local function waiting(stream)
  local size = redis.call('XLEN', stream)
  local taken = size > 0 and redis.pcall('XPENDING', stream, 'workers') or {0}
  return taken.err and size or math.max(0, size - taken[1])
end
local counts = {}
for _, queue in ipairs(redis.call('SMEMBERS', prefix .. ':queues')) do
  for _, priority in ipairs({':h', ':n', ':l'}) do
    local count = waiting(queue_key(queue .. priority))
      + waiting(prefix .. ':express:' .. queue .. priority)
    if count > 0 then
      counts[#counts + 1] = queue .. priority
      counts[#counts + 1] = count
    end
  end
end
return {redis.call('HGETALL', KEYS[2]), counts}
