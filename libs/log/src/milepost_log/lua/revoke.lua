#!lua flags=allow-oom
-- Note that a session or access token was revoked. Stands alone, without prelude. Safe to repeat.
-- KEYS[1] the list: sorted set of ids by when they were revoked
-- ARGV[1] id  [2] for how many seconds ids are kept
-- Answer: when, in ms. People sign out while memory is full as well.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2] * 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return now
