#!lua flags=allow-oom
-- Let a log that lost its tail, or is another one, give no id again that has been shown.
-- KEYS[1] log  [2] meta
-- ARGV[1] prefix  [2] stream id: new entries come behind it
--      [3] stream id at which readers may stand though it is in no entry ("" = none is needed)
-- Answer: 1, or 0 when [3] is wanted and the log has entries at or before it: nothing is changed
-- then. Repeatable.
local wanted, base = ARGV[2], ARGV[3]
if base ~= '' then
  local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  if first and not is_after(first[1], base) then return 0 end
end
if redis.call('EXISTS', log) == 0 then
  redis.call('XDEL', log, redis.call('XADD', log, wanted, 'x', ''))
else
  local info = redis.call('XINFO', 'STREAM', log)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' and is_after(wanted, info[i + 1]) then
      redis.call('XSETID', log, wanted)
    end
  end
end
if base ~= '' then redis.call('HSET', KEYS[2], 'base', base) end
return 1
