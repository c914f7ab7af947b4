#!lua flags=allow-oom
-- Find what Redis thinks this worker holds, in one stream: entries whose answer got lost.
-- KEYS[1] log  [2] queue stream, express lane or `claimed`
-- ARGV[1] prefix  [2] worker incarnation  [3] data of the `started` that it appends
--      [4..] entries of it that the worker knows it holds
-- Answer: {task...} as in `take`. Repeatable.
local stream, worker = KEYS[2], ARGV[2]
local caller = {worker = worker, says = ARGV[3], limits = {}, rooms = {}, alone = true}
local held = {}
for i = 4, #ARGV do held[ARGV[i]] = true end
if redis.call('EXISTS', stream) == 0 then return {} end
local pending = redis.pcall('XPENDING', stream, 'workers', '-', '+', #ARGV + PAGE, worker)
if pending.err then return {} end
local found = {}
for _, row in ipairs(pending) do
  if not held[row[1]] then
    local entry = redis.call('XRANGE', stream, row[1], row[1])[1]
    if entry then
      found[#found + 1] = start_entry(stream, entry[1], entry[2], caller)
    else
      drop_entry(stream, row[1])
    end
  end
end
return found
