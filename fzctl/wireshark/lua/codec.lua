-- What a receiver makes of a control header and its payload. Mirrors fzctl/protocol/codec.py
-- (judge) and fzctl/protocol/strict.py.

-- The pattern of a payload as senders write it; of each field it catches where its value begins,
-- the value, and what is behind it. nil where a field has no usual form.
local function usual_payload(fields)
  local parts = {}
  for position, field in ipairs(fields) do
    if not field.type.usual then return nil end
    parts[position] = '"' .. field.name .. '":()' .. field.type.usual .. "()"
  end
  return "^{" .. table.concat(parts, ",") .. "}$"
end

for _, kind in ipairs(declared.kinds) do
  kind.members = {}
  for position, field in ipairs(kind.fields) do
    field.type = types[field.type](field.options)
    kind.members[position] = { name = field.name, read = field.type.read }
    if field.type.is_list then kind.list = field.name end
    if field.type.text then kind.spoken = field end
  end
  kind.usual = usual_payload(kind.fields)
end

local function has_dialect(kind, dialect)
  for _, each in ipairs(kind.dialects) do
    if each == dialect then return true end
  end
  return false
end

local kinds_by_dialect = {}
for _, dialect in ipairs(declared.dialects) do
  kinds_by_dialect[dialect] = {}
  for _, kind in ipairs(declared.kinds) do
    if has_dialect(kind, dialect) then kinds_by_dialect[dialect][kind.number] = kind end
  end
end

local function find_kind(number, dialect)
  return kinds_by_dialect[dialect][number]
end

-- The fields of a payload as senders write it; nil where it is another, or is refused.
local function take_fields(kind, payload)
  local caught = kind.usual and { payload:match(kind.usual) } or {}
  if not caught[1] then return nil end
  local found = {}
  for position, field in ipairs(kind.fields) do
    local first, text, behind = caught[3 * position - 2], caught[3 * position - 1], caught[3 * position]
    local value = field.type.take(text)
    if not value then return nil end
    found[field.name] = { value = value, first = first, last = behind - 1, text = text }
  end
  return found
end

local function read_fields(kind, payload)
  local usual = take_fields(kind, payload)
  if usual then return usual, nil end
  local found, json = {}, reader.new(payload)
  local done, refusal = refusals.try(json.read_document, json, function(at)
    at:read_struct(kind.members, kind.title .. "'s fields", found)
  end)
  return found, not done and refusal or nil
end

-- The fields of a refused object that a receiver could read if they stood alone, but for those
-- that were read.
local function salvage(kind, payload, found)
  local keys = reader.top_level_keys(payload)
  for _, member in ipairs(kind.members) do
    if not found[member.name] and keys[member.name] then
      local json = reader.new(payload)
      json.at = keys[member.name]
      local done, value = refusals.try(json.spanned, json, member.read)
      if done then found[member.name] = value end
    end
  end
end

-- The fields that one kind has and another lacks.
local function own_fields(kind, other)
  local own = {}
  for _, field in ipairs(kind.fields) do own[field.name] = true end
  for _, field in ipairs(other.fields) do own[field.name] = nil end
  return own
end

local function share_dialect(kind, other)
  for _, dialect in ipairs(other.dialects) do
    if has_dialect(kind, dialect) then return true end
  end
  return false
end

-- The dialect whose kind of the same number has its own fields here in place of ours.
local function dialect_by_fields(kind, payload)
  local keys = reader.top_level_keys(payload)
  for _, other in ipairs(declared.kinds) do
    if other.number == kind.number and other ~= kind and not share_dialect(kind, other) then
      local theirs, fits = own_fields(other, kind), true
      if next(theirs) then
        for name in pairs(theirs) do fits = fits and keys[name] ~= nil end
        for name in pairs(own_fields(kind, other)) do fits = fits and keys[name] == nil end
        if fits then return other.dialects[1] end
      end
    end
  end
  return nil
end

local function verdict(number, name, dialect, kind, found, reason, problem)
  return { number = number, name = name, dialect = dialect, kind = kind, found = found,
    accepted = reason == "ok", reason = reason, error = problem }
end

local function judge(number, payload, dialect)
  local auto = dialect == "auto"
  local judging = auto and "current" or dialect
  local kind = find_kind(number, judging)
  if not kind and auto then
    for _, each in ipairs(declared.dialects) do
      if find_kind(number, each) then
        judging, kind = each, find_kind(number, each)
        break
      end
    end
  end
  if not kind then
    return verdict(number, "unknown", judging, nil, {}, "unknown_event", "the dialect " .. judging
      .. " has no message of kind " .. number .. "; receivers ignore it")
  end
  if #kind.fields == 0 then return verdict(number, kind.name, judging, kind, {}, "ok") end
  local found, refusal = read_fields(kind, payload)
  if not refusal then return verdict(number, kind.name, judging, kind, found, "ok") end
  local other = auto and dialect_by_fields(kind, payload)
  if other then return judge(number, payload, other) end
  local reason = refusal.reason
  if refusal.if_sound and reader.is_sound_json(payload) then reason = refusal.if_sound end
  local line, column = reader.line_and_column(payload, refusal.offset or 0)
  salvage(kind, payload, found)
  return verdict(number, kind.name, judging, kind, found, reason,
    string.format("%s (line %d, column %d)", refusal.problem, line, column))
end

return { judge = judge, verdict = verdict, find_kind = find_kind }
