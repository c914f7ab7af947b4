#!lua flags=allow-oom
-- Show that a worker lives; tell it of everybody's beats.
-- KEYS[1] log  [2] leases
-- ARGV[1] prefix  [2] worker incarnation
-- Answer: {"ok", {worker, beats, ...}} | {"fenced"} when it was taken for dead.
if redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0 then return {'fenced'} end
redis.call('HINCRBY', KEYS[2], ARGV[2], 1)
return {'ok', redis.call('HGETALL', KEYS[2])}
