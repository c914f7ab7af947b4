#!lua flags=no-writes
-- Say how a partition does, at one moment. Reads only; it costs the same however much waits.
-- KEYS[1] log  [2] counts  [3] dead letters
-- ARGV[1] prefix  [2] stream id up to which events are projected ("" = unknown)
-- Answer: {{place, tasks, ...} (see `tally`), events in the log, dead letters,
--          {queue, ms for which its next task has been ready, ...}, ms for which the next event has
--          waited to be projected: 0 when none waits, -1 when unknown}
local function age(entry) return math.max(0, now - tonumber(string.match(entry, '^%d+'))) end

local counts = redis.call('HGETALL', KEYS[2])
local ages, queues = {}, {}
for i = 1, #counts, 2 do
  local queue = string.match(counts[i], '^queued:(.+)$')
  if queue and tonumber(counts[i + 1]) > 0 then
    local oldest = 0
    for _, priority in ipairs({':h', ':n', ':l'}) do
      for _, stream in ipairs({queue_key(queue .. priority), express_key(queue .. priority)}) do
        local _, last = untaken(stream)
        local next_one = redis.call('XRANGE', stream, '(' .. last, '+', 'COUNT', 1)[1]
        if next_one then oldest = math.max(oldest, age(next_one[1])) end
      end
    end
    ages[queue] = oldest
  end
end
-- They wait aside since their turn.
for _, line in ipairs(redis.call('SMEMBERS', prefix .. ':unclaimed')) do
  local queue = string.match(line, '^([^:]+):[hnl]:')
  local first = redis.call('ZRANGE', prefix .. ':unclaimed:' .. line, 0, 0, 'WITHSCORES')[2]
  if queue and first then ages[queue] = math.max(ages[queue] or 0, age(first)) end
end
for queue, oldest in pairs(ages) do
  queues[#queues + 1] = queue
  queues[#queues + 1] = oldest
end

local waited = -1
if ARGV[2] ~= '' then
  local behind = redis.call('XRANGE', log, '(' .. ARGV[2], '+', 'COUNT', 1)[1]
  waited = behind and age(behind[1]) or 0
end
return {counts, redis.call('XLEN', log), redis.call('XLEN', KEYS[3]), queues, waited}
