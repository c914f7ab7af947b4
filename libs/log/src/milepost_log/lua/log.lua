-- Append lines that running tasks wrote for their owners.
-- KEYS[1] log
-- ARGV[1] prefix  [2] worker incarnation  [3] most lines a task  then 5 for each line:
--      owner hash, id, attempt, sequence within the attempt, event data
-- Answer: as `report`. Repeatable: a sequence not above the last one changes nothing. Lines beyond
-- the limit are dropped.
local worker, most, answers = ARGV[2], tonumber(ARGV[3]), {}
for at = 4, #ARGV, 5 do
  local key = task_key(ARGV[at], ARGV[at + 1])
  local task = redis.call('HMGET', key, 'o', 's', 'a', 'w', 'l', 'k', 'z')
  local answer = 0
  if task[2] == 'running' and task[3] == ARGV[at + 2] and task[4] == worker then
    if tonumber(ARGV[at + 3]) > tonumber(task[5] or 0) then
      redis.call('HSET', key, 'l', ARGV[at + 3])
      if redis.call('HINCRBY', key, 'k', 1) <= most then
        emit('logged', ARGV[at + 1], task[1], ARGV[at + 2], ARGV[at + 4])
      end
    end
    answer = task[7] and 2 or 1
  end
  answers[#answers + 1] = answer
end
return answers
