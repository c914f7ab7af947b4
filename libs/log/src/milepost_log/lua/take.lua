#!lua flags=allow-oom
-- End attempts, then take work and start it: raise the caller's lease, promote what is due, start at
-- most `room` tasks, higher priorities first. What the caller has to leave to others or to later is
-- set aside.
-- KEYS[1] log  [2] leases  [3] `claimed`  then 2 for each queue and priority, in the order to serve
--      them: its stream, its express lane
-- ARGV[1] prefix  [2] worker incarnation  [3] room  [4] "1" when the caller holds tasks here
--      [5] the task types it knows, each between spaces ("" = all)
--      [6] of types with limits, 3 words each: type, most running ones of an owner, how many more
--      the caller takes; "-" for any number
--      [7] whose turn it is, as the last answer said (0 at first)
--      [8] "1" when the caller holds no task anywhere  [9] "1" when it drains for a suspect
--      [10] data of the `started` that it appends
--      [11..] attempts that have ended, as `end_attempts` reads them
-- Answer: {"ok", {worker, beats, ...}, {{o, id, owner, attempt, e, "queue:p", created data,
--          saved, trace, failures, crashes}...}, ms until there is more to take or -1,
--          {types of tasks that wait aside and that the caller does not know}, {and that it has no
--          room for}, whose turn it is, 1 when the caller shall drain for a suspect,
--          {what `end_attempts` returns}} | {"fenced"}
-- With room 0 the four before the last say nothing. A lost answer leaves its tasks running in this worker's
-- name: `resume` finds them.
local leases, worker, room = KEYS[2], ARGV[2], tonumber(ARGV[3])
-- So many places go to the express lane of a queue and priority while others wait, then one to them.
local EXPRESS_PLACES = 3
local ends = end_attempts(worker, 11)
takes_next = room > 0
settle() -- what the ended ones made place for can be taken at once
takes_next = false
if ARGV[4] == '1' and redis.call('HEXISTS', leases, worker) == 0 then return {'fenced'} end
redis.call('HINCRBY', leases, worker, 1)

local caller = {worker = worker, says = ARGV[10], limits = {}, rooms = {}, alone = false}
if ARGV[5] ~= '' then
  caller.knows = {}
  for kind in string.gmatch(ARGV[5], '%S+') do caller.knows[kind] = true end
end
for kind, limit, places in string.gmatch(ARGV[6], '(%S+) (%S+) (%S+)') do
  caller.limits[kind], caller.rooms[kind] = tonumber(limit), tonumber(places)
end
local passed, was_aside = math.floor(ARGV[7] / 2), ARGV[7] % 2 == 1

-- Queues that an operator has paused are not looked at, nor what waits aside of them.
local serves = {}
for i = 4, #KEYS, 2 do
  local _, q = lane_of(KEYS[i])
  serves[q] = room > 0 and not is_paused('queue', string.sub(q, 1, -3))
end
if room > 0 then
  for _, line in ipairs(redis.call('SMEMBERS', prefix .. ':unclaimed')) do
    note_line(line, serves)
  end
end

local delayed = prefix .. ':delayed'
for _, member in ipairs(redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, PAGE)) do
  if redis.call('ZREM', delayed, member) == 1 then
    local o, id = string.match(member, '^([^:]+):(.+)$')
    local key = task_key(o or '', id or '')
    local task = redis.call('HMGET', key, 's', 'q', 'e')
    if task[1] == 'scheduled' or task[1] == 'retrying' then
      tally(task[1], -1)
      requeue(key, o, id, task[2], task[3])
    end
  end
end

local function room_left() return looked < PAGE and room - #started or 0 end

-- A suspect runs with nothing beside it.
local function take_suspect()
  caller.alone = true
  for i = 4, #KEYS, 2 do
    local _, q = lane_of(KEYS[i])
    while #started == 0 and room_left() > 0 and claim(q, caller, serves) do end
  end
  caller.alone = false
  if #started > 0 then room = #started end
end

-- Fill places from one queue and priority: who has little in it first, but for a part of the places;
-- those go to what waits aside and to the stream by turns. Whether there may be more.
local function serve(stream, express)
  local _, q = lane_of(stream)
  if not serves[q] then return false end
  local first, aside = redis.call('XLEN', express) > 0, next(lines) ~= nil
  local rest = redis.call('XLEN', stream) > 0
  local left = room_left()
  while left > 0 and (first or aside or rest) do
    local had = #started
    if first and not (passed >= EXPRESS_PLACES and (aside or rest)) then
      local most = (aside or rest) and math.min(left, EXPRESS_PLACES - passed) or left
      first = read_and_start(express, most, caller, serves) == most
      passed = passed + #started - had
    elseif aside and not (was_aside and rest) then
      aside = claim(q, caller, serves)
      if #started > had then passed, was_aside = 0, true end
    else
      local most = (first or aside) and 1 or left
      rest = read_and_start(stream, most, caller, serves) == most
      passed, was_aside = 0, false
    end
    left = room_left()
  end
  return first or aside or rest
end

-- Garbage and what is set aside make no room for themselves: they are looked at in the same call,
-- within bounds.
local more, asked = false, room
if room > 0 and ARGV[8] == '1' then take_suspect() end
for i = 4, #KEYS, 2 do
  if #started < room then more = serve(KEYS[i], KEYS[i + 1]) or more end
end
if room > 0 and #started == 0 and ARGV[8] == '1' then take_suspect() end
more = more and #started < room or next(places) ~= nil -- set aside or dead, it makes place for others
local due = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2]
due = more and 0 or due and math.max(0, due - now) or -1

local unclaimed, full, suspects, said = {}, {}, false, {}
for _, line in pairs(lines) do
  local kind = line.kind
  if caller.knows and not caller.knows[kind] then
    if not said[kind] then unclaimed[#unclaimed + 1] = kind end
    said[kind] = true
  elseif line.suspect then
    suspects = true
  elseif caller.rooms[kind] == 0 then
    if not said[kind] then full[#full + 1] = kind end
    said[kind] = true
  end
end

-- Only one of those that could run a suspect stops taking other work for it; if it vanishes, another.
local function drains()
  local drain = prefix .. ':drain'
  if not suspects and ARGV[9] ~= '1' then return 0 end
  local by = redis.call('GET', drain)
  if not suspects then
    if by == worker then redis.call('DEL', drain) end
    return 0
  end
  if by ~= worker then
    if by and redis.call('HEXISTS', leases, by) == 1 then return 0 end
    redis.call('SET', drain, worker)
  end
  return 1
end

local turn = passed * 2 + (was_aside and 1 or 0)
local drain = tonumber(ARGV[3]) > 0 and drains() or 0
return {'ok', redis.call('HGETALL', leases), started, due, unclaimed, full, turn, drain, ends}
