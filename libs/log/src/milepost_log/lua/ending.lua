-- Part of `finish` and `take`, behind the prelude: ends attempts, for good or until a retry.

-- ARGV from `first` on has 6 for each attempt: owner hash, id, attempt, "succeeded" | "failed" |
-- "cancelled" | "retrying", event data, ms until the retry ("" for an end). Returns for each 1 (ended
-- by this attempt, now or by the same call before) or 0 (refused: the attempt is no longer this
-- worker's). Who was asked to stop is not retried.
local function end_attempts(worker, first)
  local answers = {}
  for at = first, #ARGV, 6 do
    local o, id, attempt = ARGV[at], ARGV[at + 1], ARGV[at + 2]
    local key = task_key(o, id)
    local task = redis.call('HMGET', key, 'o', 's', 'a', 'w', 'q', 'e', 'z', 'r')
    local mine = task[3] == attempt and task[4] == worker
    if mine and task[2] == 'running' then
      local kind, data = ARGV[at + 3], ARGV[at + 4]
      tally('running', -1)
      if kind == 'retrying' and task[7] then kind, data = 'cancelled', '{}' end
      if kind == 'retrying' then
        retry_later(key, o, id, task[1], attempt, task[5], task[6], task[8], data,
          ARGV[at + 5])
      else
        end_task(key, o, id, task[1], attempt, task[5], task[6], task[8], kind, data)
      end
    end
    answers[#answers + 1] = mine and task[2] ~= 'queued' and 1 or 0
  end
  return answers
end
