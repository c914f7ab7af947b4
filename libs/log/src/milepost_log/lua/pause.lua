#!lua flags=allow-oom
-- Pause or resume a queue or a task type in one partition: from then on `take` starts nothing of it,
-- or goes on.
-- KEYS[1] log  [2] paused
-- ARGV[1] prefix  [2] "queue <name>" | "type <name>"
--      [3] who and why, as JSON; "" resumes  [4] since when in ms, "" for now
--      [5] the operator, to append the event here; "" to append none
--      [6] its data  [7] "1" when another partition has been changed by the same command
-- Answer: {changed 0|1, since in ms or ""}
-- Repeatable: what is as it shall be is left alone, and no event is appended but where something
-- changed. What is paused already keeps its time.
local what, details, since, operator = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local was = redis.call('HGET', KEYS[2], what)
local at, told = string.match(was or '', '^(%d+) (.*)$')
local resumes = details == ''
local changed = resumes and was or not resumes and told ~= details

-- Idle workers look at once.
local function ring_all()
  local kind, name = string.match(what, '^(%S+) (.*)$')
  if kind == 'queue' then return ring(name .. ':n') end
  for _, line in ipairs(redis.call('SMEMBERS', prefix .. ':unclaimed')) do
    local q, waiting = string.match(line, '^([^:]+:[hnl]):(.-)!?$')
    if waiting == name then ring(q) end
  end
end

if resumes then
  since = at or ''
  redis.call('HDEL', KEYS[2], what)
  ring_all() -- a repetition may stand for an answer that was lost before anybody heard
else
  since = at or since ~= '' and since or string.format('%.0f', now)
  redis.call('HSET', KEYS[2], what, since .. ' ' .. details)
end
if operator ~= '' and (changed or ARGV[7] == '1') then
  emit(resumes and 'work.resumed' or 'work.paused', 'work', operator, 0, ARGV[6],
    {'b', 'operator ' .. operator})
end
return {(changed or false) and 1 or 0, since}
