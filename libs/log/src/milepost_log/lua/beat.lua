#!lua flags=allow-oom
-- Show that a worker lives; tell it of everybody's beats, and of tasks whose owner asks to stop.
-- KEYS[1] log  [2] leases
-- ARGV[1] prefix  [2] worker incarnation  then 2 for each task it runs: owner hash, id
-- Answer: {"ok", {worker, beats, ...}, {index from 0 of each task to stop}} | {"fenced"} when it
-- was taken for dead.
if redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0 then return {'fenced'} end
redis.call('HINCRBY', KEYS[2], ARGV[2], 1)
local stop = {}
for at = 3, #ARGV, 2 do
  if redis.call('HEXISTS', task_key(ARGV[at], ARGV[at + 1]), 'z') == 1 then
    stop[#stop + 1] = (at - 3) / 2
  end
end
return {'ok', redis.call('HGETALL', KEYS[2]), stop}
