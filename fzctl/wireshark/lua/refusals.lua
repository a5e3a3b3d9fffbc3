-- A receiver's refusal, on its way from the rule that found it to the verdict. Mirrors
-- fzctl/protocol/reasons.py: offset counts payload bytes, if_sound replaces the reason where the
-- payload as a whole is valid JSON.

local Refusal = {}

local function new(reason, problem, offset, if_sound)
  return setmetatable({ reason = reason, problem = problem, offset = offset, if_sound = if_sound }, Refusal)
end

local function refuse(...)
  error(new(...), 0)
end

-- Runs the function; true and its result, or false and the refusal. Other errors go on.
local function try(work, ...)
  local done, result = pcall(work, ...)
  if not done and getmetatable(result) ~= Refusal then error(result, 0) end
  return done, result
end

return { new = new, refuse = refuse, try = try }
