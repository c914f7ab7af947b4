#!lua flags=no-writes
-- Say when live workers last offered some task types and queues. Reads only.
-- KEYS[1] offers
-- ARGV[1] namespace  [2..] as in `offer`
-- Answer: {now in ms, ms or "" for never...}
local answer = {now}
for i = 2, #ARGV do answer[i] = redis.call('ZSCORE', KEYS[1], ARGV[i]) or '' end
return answer
