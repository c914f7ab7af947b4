#!lua flags=allow-oom
-- Remember how far a reader is, and trim what all readers have behind them.
-- KEYS[1] log  [2] readers
-- ARGV[1] prefix  [2] reader  [3] its checkpoint, a stream id  [4] ms of events to keep behind
-- Answer: entries trimmed. Repeatable. The checkpoint's own entry always stays: by it the reader
-- knows that the log has not lost its tail.
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
local lowest = ARGV[3]
for _, mark in ipairs(redis.call('HVALS', KEYS[2])) do
  if is_after(lowest, mark) then lowest = mark end
end
local horizon = string.format('%.0f-0', math.max(0, now - tonumber(ARGV[4])))
return redis.call('XTRIM', log, 'MINID', is_after(lowest, horizon) and horizon or lowest)
