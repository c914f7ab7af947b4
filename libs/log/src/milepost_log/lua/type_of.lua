-- Part of `take`, `resume`, `redrive` and `holdings`, behind the prelude.

-- The task type named by the data of `created`; nil where nothing can be read.
local function type_of(data)
  local kind = string.match(data, '^{"task_type":"([a-z0-9_.]+)"')
  if not kind then
    local ok, created = pcall(cjson.decode, data)
    kind = ok and type(created) == 'table' and created.task_type
  end
  return type(kind) == 'string' and #kind <= 100 and string.match(kind, '^[a-z0-9_.]+$') or nil
end
