-- Append progress of running tasks, many in one call.
-- KEYS[1] log
-- ARGV[1] prefix  [2] worker incarnation  then 6 for each report:
--      owner hash, id, attempt, sequence within the attempt, percent, rest of the event data
--      (JSON behind `{"progress":N`, such as `,"message":"x"}` or `}`)
-- Answer: for each report 1 (told), 2 (told, and the owner asks to stop) or 0 (not this attempt
-- any more). Repeatable: a sequence not above the last one changes nothing.
local worker, answers = ARGV[2], {}
for at = 3, #ARGV, 6 do
  local key = task_key(ARGV[at], ARGV[at + 1])
  local attempt, sequence, percent = ARGV[at + 2], tonumber(ARGV[at + 3]), ARGV[at + 4]
  local task = redis.call('HMGET', key, 'o', 's', 'a', 'w', 'n', 'g', 'z')
  local answer = 0
  if task[2] == 'running' and task[3] == attempt and task[4] == worker then
    if sequence > tonumber(task[5] or 0) then
      if tonumber(percent) < tonumber(task[6] or 0) then percent = task[6] end
      redis.call('HSET', key, 'n', sequence, 'g', percent)
      emit('progressed', ARGV[at + 1], task[1], attempt, '{"progress":' .. percent .. ARGV[at + 5])
    end
    answer = task[7] and 2 or 1
  end
  answers[#answers + 1] = answer
end
return answers
