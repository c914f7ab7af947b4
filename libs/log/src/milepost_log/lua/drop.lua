#!lua flags=allow-oom
-- Remove dead letters that somebody has looked at.
-- KEYS[1] log  [2] dead letters
-- ARGV[1] prefix  [2..] ids of dead letters
-- Answer: for each "dropped", or why not: "unknown" (no such letter), "waits" (its task is queued and
-- has nothing but this letter: without it nobody would ever find it again).
-- Repeatable: a letter that is gone is "unknown".
local function drop(letter)
  local found = redis.call('XRANGE', KEYS[2], letter, letter)[1]
  if not found then return 'unknown' end
  local fields = {}
  for i = 1, #found[2], 2 do fields[found[2][i]] = found[2][i + 1] end
  local o, id = fields['.o'], fields['.k']
  if o and id and #o <= 64 and #id <= 64 then
    local task = redis.pcall('HMGET', task_key(o, id), 's', 'j')
    if not task.err and task[1] == 'queued' and task[2] == letter then return 'waits' end
  end
  redis.call('XDEL', KEYS[2], letter)
  return 'dropped'
end

local answers = {}
for i = 2, #ARGV do answers[#answers + 1] = drop(ARGV[i]) end
return answers
