#!lua flags=allow-oom
-- Put tasks whose queue entries nobody could read into their queues again, once what was wrong with
-- them has been put right.
-- KEYS[1] log  [2] dead letters
-- ARGV[1] prefix  [2] by  [3..] ids of dead letters
-- Answer: for each "redriven", or why not: "unknown" (no such letter), "log" (an event), "nameless"
-- (it names no task), "gone" (its task is not there), "elsewhere" (its task goes on without it),
-- "ended", or in words what is wrong with its task.
-- Repeatable: a letter whose task was queued again is deleted.
local function redrive(letter)
  local found = redis.call('XRANGE', KEYS[2], letter, letter)[1]
  if not found then return 'unknown' end
  local fields = {}
  for i = 1, #found[2], 2 do fields[found[2][i]] = found[2][i + 1] end
  if fields.stream == 'log' then return 'log' end
  local o, id = fields['.o'], fields['.k']
  if not (o and id) or #o > 64 or #id > 64 then return 'nameless' end
  local key = task_key(o, id)
  local task = redis.pcall('HMGET', key, 'o', 's', 'a', 'd', 'q', 'j')
  if task.err or not task[1] then return 'gone' end
  local status = task[2]
  if status == 'succeeded' or status == 'failed' or status == 'cancelled' then return 'ended' end
  if task[6] ~= letter or status ~= 'queued' then return 'elsewhere' end
  local reason = damage(task[4] and type_of(task[4]), task[3], task[5])
  if reason then return reason end
  redis.call('HDEL', key, 'j')
  tally(place_of('queued', task[5]), -1) -- it was so all the time
  enqueue(key, o, id, task[5], 0)
  redis.call('XDEL', KEYS[2], letter)
  ring(task[5])
  emit('redriven', id, task[1], task[3], '{}', {'b', ARGV[2]})
  return 'redriven'
end

local answers = {}
for i = 3, #ARGV do answers[#answers + 1] = redrive(ARGV[i]) end
return answers
