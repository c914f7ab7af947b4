-- Accept tasks of one owner, all or none: event, live state and queue entry in one step.
-- KEYS[1] log  [2] meta  [3] the owner's counts
-- ARGV[1] prefix  [2] owner  [3] owner hash  [4] most live tasks  [5] by ("" = the owner)
--      [6] traceparent ("" = none)  then 7 for each task:
--      id, idempotency key ("" = none), fingerprint of the request, "queue:priority letter",
--      event data, delay in ms ("" = ready at once; `runs_at` is added to the data here),
--      fingerprint of all that the key was sent with
-- Answer: {"ok", log_id, {replayed 0|1, id, stream id of created, runs_at}...}
--       | {"conflict"|"full", index from 0} | {"unnamed"}: the log has no name, nothing is appended
-- Repeatable: by idempotency key and by (owner, id); the same request again gets the first answer.
local owner, o, most, by, trace = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6]
local FIELDS, FIRST = 7, 7
local IDEMPOTENCY_SECONDS = 86400
local count = (#ARGV - FIRST + 1) / FIELDS
local log_id = redis.call('HGET', KEYS[2], 'log_id')
if not log_id then return {'unnamed'} end

local answers, fresh = {}, 0
for i = 0, count - 1 do
  local at = FIRST + i * FIELDS
  local id, idem, fingerprint = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local known = nil
  if idem ~= '' then
    local key = redis.call('GET', idem)
    if key then
      known = {string.match(key, '^(%S+) (%S+) (%S+) (%S+)$')}
      fingerprint = ARGV[at + 6]
    end
  end
  if not known then
    local first = redis.call('HMGET', task_key(o, id), 'h', 'i', 'u')
    if first[1] then known = {first[1], id, first[2], first[3] or '-'} end
  end
  if known then
    if known[1] ~= fingerprint and known[1] ~= '*' then return {'conflict', i} end
    answers[i + 1] = {1, known[2], known[3], known[4]}
  else
    fresh = fresh + 1
    answers[i + 1] = false
  end
end
local live = tonumber(redis.call('HGET', KEYS[3], 'live') or 0)
if fresh > 0 and live + fresh > most then return {'full', math.max(0, most - live)} end

local extra = {}
if by ~= '' then extra[#extra + 1] = 'b'; extra[#extra + 1] = by end
if trace ~= '' then extra[#extra + 1] = 'x'; extra[#extra + 1] = trace end
for i = 0, count - 1 do
  if not answers[i + 1] then
    local at = FIRST + i * FIELDS
    local id, idem, fingerprint = ARGV[at], ARGV[at + 1], ARGV[at + 2]
    local q, data, delay = ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]
    local key, due, status = task_key(o, id), '-', 'queued'
    if delay ~= '' then
      due, status = string.format('%.0f', now + tonumber(delay)), 'scheduled'
      tally(status, 1)
      data = string.sub(data, 1, -2) .. ',"runs_at":' .. due .. '}'
      redis.call('ZADD', prefix .. ':delayed', due, o .. ':' .. id)
    else
      ring(q)
    end
    local first = emit('created', id, owner, 0, data, extra)
    redis.call('HSET', key, 'o', owner, 'd', data, 'h', fingerprint, 's', status, 'a', 0,
      'e', '', 'q', q, 'i', first, 'u', due)
    if delay == '' then enqueue(key, o, id, q, 0) end
    if trace ~= '' then redis.call('HSET', key, 'x', trace) end
    if idem ~= '' then
      redis.call('SET', idem, ARGV[at + 6] .. ' ' .. id .. ' ' .. first .. ' ' .. due,
        'EX', IDEMPOTENCY_SECONDS)
    end
    answers[i + 1] = {0, id, first, due}
  end
end
tally('accepted', fresh)
if fresh > 0 then redis.call('HINCRBY', KEYS[3], 'live', fresh) end
return {'ok', log_id, unpack(answers)}
