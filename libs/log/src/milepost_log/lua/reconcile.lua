#!lua flags=allow-oom
-- End, or queue again, live tasks that the read models know and this Redis does not: what it had of
-- them is lost. Tell the ends of those that have ended here while the log lacks it. The caller has
-- seen that everything in the log is in the read models; for "tell" after it saw "ended".
-- KEYS[1] log  [2] meta
-- ARGV[1] prefix  [2] log id that the read models go by
--      [3] "look" | "end" | "resubmit" | "tell"  then 15 for each task:
--      owner, owner hash, id, status, attempt, failures, crashes, "queue:priority letter", data of
--      `created`, its stream id, ms it is due at ("" = at once), worker ("" = none), "1" when it was
--      asked to stop, traceparent ("" = none), data of `failed`
-- Answer: {"another"}: the log has another id, nothing is changed | {"ok", for each "known" (left
-- alone), "ended" (it has ended here, left alone), "unknown" (look), or its status now}. Repeatable:
-- once done, the task is known; an end that was told, and is in the log or trimmed, is not told again.
local FIELDS, FIRST = 15, 4
local mode, by = ARGV[3], {'b', 'operator reconcile'}
if redis.call('HGET', KEYS[2], 'log_id') ~= ARGV[2] then return {'another'} end

-- Whether an entry that was in the log was cut off its end; one before its first was trimmed.
local function is_cut(entry)
  if redis.call('XRANGE', log, entry, entry)[1] then return false end
  local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  return not first or is_after(entry, first[1])
end

local function reconcile(owner, o, id, status, attempt, failures, crashes, q, data, first, due, worker,
  stop, trace, failed)
  local key = task_key(o, id)
  local is, last, told, runner = unpack(redis.call('HMGET', key, 's', 'a', 't', 'w'))
  if is == 'succeeded' or is == 'failed' or is == 'cancelled' then
    if mode ~= 'tell' or told and not is_cut(told) then return 'ended' end
    if tonumber(last or 0) > tonumber(attempt) then -- its start was cut off, too
      emit('started', id, owner, last, string.format('{"worker":"%s"}', runner or 'unknown'), by)
    end
    redis.call('HSET', key, 't', emit(is, id, owner, last or 0, is == 'failed' and failed or '{}', by))
    return is
  end
  if is or mode == 'tell' or redis.call('EXISTS', key) == 1 then return 'known' end
  if mode == 'look' then return 'unknown' end
  -- `*`: whoever sends the same id again gets this task, whatever the fingerprint was.
  redis.call('HSET', key, 'o', owner, 'd', data, 'h', '*', 's', status, 'a', attempt, 'f', failures,
    'c', crashes, 'e', '', 'q', q, 'i', first, 'u', due == '' and '-' or due)
  if trace ~= '' then redis.call('HSET', key, 'x', trace) end
  redis.call('HINCRBY', owner_key(o), 'live', 1)
  tally('accepted', 1) -- by this Redis: its counts are lost with what it had
  if mode == 'end' then
    end_task(key, o, id, owner, attempt, q, '', nil, 'failed', failed, by)
    return 'failed'
  end
  if status == 'running' then
    emit('returned', id, owner, attempt, string.format(
      '{"reason":"worker_lost","worker":"%s","crashes":%d}', worker, crashes))
    if stop ~= '' then
      end_task(key, o, id, owner, attempt, q, '', nil, 'cancelled', '{}', by)
      return 'cancelled'
    end
  elseif status ~= 'queued' then
    redis.call('ZADD', prefix .. ':delayed', due, o .. ':' .. id)
    tally(status, 1)
    return status
  end
  enqueue(key, o, id, q, 0)
  ring(q)
  return 'queued'
end

local answers = {'ok'}
for at = FIRST, #ARGV, FIELDS do
  answers[#answers + 1] = reconcile(unpack(ARGV, at, at + FIELDS - 1))
end
return answers
