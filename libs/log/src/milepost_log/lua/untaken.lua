-- Part of `standing` and `figures`, behind the prelude: what nobody has taken of a stream, and the
-- last entry that somebody has.
local function untaken(stream)
  local size, last = redis.call('XLEN', stream), '0-0'
  if size == 0 then return 0, last end
  local groups = redis.pcall('XINFO', 'GROUPS', stream)
  if groups.err then return size, last end
  for _, group in ipairs(groups) do
    local about = {}
    for i = 1, #group, 2 do about[group[i]] = group[i + 1] end
    if about.name == 'workers' then
      size, last = math.max(0, size - about.pending), about['last-delivered-id']
    end
  end
  return size, last
end
