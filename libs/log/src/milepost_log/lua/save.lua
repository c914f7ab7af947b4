#!lua flags=allow-oom
-- Keep what an attempt wants to go on from after a crash, a retry or a deployment.
-- KEYS[1] log
-- ARGV[1] prefix  [2] worker incarnation  then 5 for each task:
--      owner hash, id, attempt, sequence within the attempt, state
-- Answer: as `report`. Repeatable: a sequence not above the last one changes nothing.
local worker, answers = ARGV[2], {}
for at = 3, #ARGV, 5 do
  local key = task_key(ARGV[at], ARGV[at + 1])
  local task = redis.call('HMGET', key, 's', 'a', 'w', 'm', 'z')
  local answer = 0
  if task[1] == 'running' and task[2] == ARGV[at + 2] and task[3] == worker then
    if tonumber(ARGV[at + 3]) > tonumber(task[4] or 0) then
      redis.call('HSET', key, 'v', ARGV[at + 4], 'm', ARGV[at + 3])
    end
    answer = task[5] and 2 or 1
  end
  answers[#answers + 1] = answer
end
return answers
