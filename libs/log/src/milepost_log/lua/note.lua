#!lua flags=allow-oom
-- Note that something is so now. Stands alone, without prelude. Safe to repeat.
-- KEYS[1] sorted set of what was noted, by when it was noted last
-- ARGV[1] what: a revoked session or access token; a worker that is there, and its build
--      [2] for how many seconds it is kept
-- Answer: when, in ms. People sign out, and workers work, while memory is full as well.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2] * 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return now
