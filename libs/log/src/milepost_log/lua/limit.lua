#!lua flags=allow-oom
-- Count towards a limit, in a window that begins with its first count. Stands alone, without prelude.
-- KEYS[1] the counter
-- ARGV[1] how many: 1, or -1 to take one back  [2] the window in seconds
-- Answer: {count, seconds until the window ends}. Done twice it counts twice.
redis.call('SET', KEYS[1], 0, 'EX', ARGV[2], 'NX')
return {redis.call('INCRBY', KEYS[1], ARGV[1]), redis.call('TTL', KEYS[1])}
