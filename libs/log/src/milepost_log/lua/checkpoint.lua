#!lua flags=allow-oom
-- Remember how far a reader is, and trim what all readers have behind them.
-- KEYS[1] log  [2] readers  [3] meta
-- ARGV[1] prefix  [2] reader  [3] its checkpoint, a stream id  [4] ms of events to keep behind
--      [5] bytes the log may have, 0 for any number: what is more goes first, however new
-- Answer: entries trimmed. Repeatable. The checkpoint's own entry always stays: by it the reader
-- knows that the log has not lost its tail. Where it has, nothing is trimmed: what is left will tell
-- how much is lost.
if #redis.call('XRANGE', log, ARGV[3], ARGV[3]) == 0
  and redis.call('HGET', KEYS[3], 'base') ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
local lowest = ARGV[3]
for _, mark in ipairs(redis.call('HVALS', KEYS[2])) do
  if is_after(lowest, mark) then lowest = mark end
end
local horizon = string.format('%.0f-0', math.max(0, now - tonumber(ARGV[4])))
local trimmed = redis.call('XTRIM', log, 'MINID', is_after(lowest, horizon) and horizon or lowest)

-- Bytes are measured (all nodes: 4 ms for 64 MiB), since a few large entries hide from a sample; how
-- many entries they are is estimated by the average, again and again, in whole nodes of at most 100
-- entries or 4 KiB. Only MINID knows about readers, so what it is given decides, not the estimate.
local most = tonumber(ARGV[5])
local rounds = most > 0 and 8 or 0
while rounds > 0 do
  local bytes = redis.call('MEMORY', 'USAGE', log, 'SAMPLES', 0) or 0
  local excess = math.ceil(redis.call('XLEN', log) * (1 - most / bytes))
  local gone = 0
  if bytes > most then
    gone = redis.call('XTRIM', log, 'MINID', '~', lowest, 'LIMIT', math.max(excess, PAGE))
  end
  trimmed = trimmed + gone
  rounds = gone > 0 and rounds - 1 or 0
end
return trimmed
