#!lua flags=allow-oom
-- Say that a live worker takes these task types and queues, now.
-- KEYS[1] offers
-- ARGV[1] namespace  [2..] "type <name>" | "queue <name>"
-- Answer: 1. Repeatable: the time of an offer only grows. What nobody has offered for 30 days goes.
local OFFER_MS = 30 * 24 * 3600 * 1000
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], 'GT', now, ARGV[i]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - OFFER_MS)
return 1
