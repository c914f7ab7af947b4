-- Name a new log, or learn the name of the one that is there.
-- KEYS[1] log  [2] meta
-- ARGV[1] prefix  [2] a random log id, used if there is none  [3] number of partitions
-- Answer: {log id, number of partitions as first made}. Repeatable.
redis.call('HSETNX', KEYS[2], 'log_id', ARGV[2])
redis.call('HSETNX', KEYS[2], 'partitions', ARGV[3])
return redis.call('HMGET', KEYS[2], 'log_id', 'partitions')
