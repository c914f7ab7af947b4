#!lua flags=allow-oom
-- Take one token out of a bucket, if there is one. Stands alone, without prelude.
-- The bucket is kept as the time at which it will be full again (GCRA, ITU-T I.371), by the server's clock.
-- KEYS[1] the bucket
-- ARGV[1] microseconds in which one token grows  [2] how many the bucket holds
-- Answer: {1 taken or 0, tokens left, microseconds until the next token (0: there is one), ... until it is full}.
-- Done twice it takes twice.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local grows, holds = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local taken = 0
if full_at + grows - now <= grows * holds then
    taken, full_at = 1, full_at + grows
    redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000) + 1)
end
local left = math.floor((grows * holds - (full_at - now)) / grows)
local wait = 0
if left < 1 then wait = math.ceil(full_at + grows - now - grows * holds) end
return {taken, left, wait, math.ceil(full_at - now)}
