#!lua flags=allow-oom
-- Keep a log entry that nobody can read, with the reason.
-- KEYS[1] log  [2] dead letters
-- ARGV[1] prefix  [2] its id  [3] reason  then 2 for each of its fields: name, value
-- Answer: 1, or 0 when it is among the last letters already. Repeatable. Runs when Redis is full: a
-- reader that could not go on would keep the log from being trimmed.
for _, letter in ipairs(redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', PAGE)) do
  if letter[2][2] == 'log' and letter[2][4] == ARGV[2] then return 0 end
end
bury('log', ARGV[2], ARGV[3], {unpack(ARGV, 4)})
return 1
