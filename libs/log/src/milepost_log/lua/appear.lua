#!lua flags=allow-oom
-- Note that a worker is there. Stands alone, without prelude. Safe to repeat.
-- KEYS[1] sorted set of workers by when they were last heard of
-- ARGV[1] the worker: incarnation and build  [2] for how many seconds those not heard of are kept
-- Answer: when, in ms.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2] * 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return now
