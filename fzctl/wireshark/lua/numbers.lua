-- JSON numbers as serde_json reads them: whole numbers of 64 bits, doubles beyond. Mirrors
-- fzctl/protocol/numbers.py. Positions count from 1; a refusal's offset counts bytes read.

local refuse = refusals.refuse

local MAX_U64, MIN_I64 = "18446744073709551615", "9223372036854775808"
local MAX_I32, LARGEST_POWER = 2147483647, 308

local function broken(data, position)
  refuse("bad_json", "a number is not valid JSON", math.min(position, #data))
end

-- The position behind the number, and its parts: minus, whole, fraction, exponent sign, exponent.
local function parts_of(data, start)
  local position = start
  local minus = data:byte(position) == 0x2D
  if minus then position = position + 1 end
  local whole = data:match("^[0-9]+", position)
  if not whole then broken(data, position) end
  if #whole > 1 and whole:sub(1, 1) == "0" then broken(data, position + 1) end
  position = position + #whole
  local fraction, sign, exponent
  if data:byte(position) == 0x2E then
    fraction = data:match("^[0-9]+", position + 1)
    if not fraction then broken(data, position + 1) end
    position = position + 1 + #fraction
  end
  if data:find("^[eE]", position) then
    sign = data:match("^[+-]?", position + 1)
    position = position + 1 + #sign
    exponent = data:match("^[0-9]+", position)
    if not exponent then broken(data, position) end
    position = position + #exponent
  end
  return position, minus, whole, fraction, sign, exponent
end

local function skip_number(data, start)
  return (parts_of(data, start))
end

local function is_at_most(digits, limit)
  return #digits < #limit or #digits == #limit and digits <= limit
end

-- Digits as far as the number that they make fits 64 bits, and how many were taken.
local function append_digits(kept, digits)
  for used = 1, #digits do
    local grown = (kept == "0" and "" or kept) .. digits:sub(used, used)
    if not is_at_most(grown, MAX_U64) then return kept, used - 1 end
    kept = grown
  end
  return kept, #digits
end

local function check_double(whole, fraction, sign, exponent, position)
  local kept, used = append_digits("0", whole)
  local scale = #whole - used
  local _
  kept, _ = append_digits(kept, fraction)
  scale = scale - _
  local value = tonumber(kept) + 0.0
  local digits = exponent:gsub("^0+", "")
  local power = digits == "" and 0 or tonumber(digits:sub(1, 11)) + 0.0
  if power > MAX_I32 then
    if value ~= 0 and sign ~= "-" then
      local unread = #digits - (tonumber(digits:sub(1, 10)) > MAX_I32 and 10 or 11)
      refuse("bad_json", "a number is out of range", position - 1 - unread)
    end
    return
  end
  scale = scale + (sign == "-" and -power or power)
  while math.abs(scale) > LARGEST_POWER and value ~= 0 do
    if scale > 0 then refuse("bad_json", "a number is out of range", position - 1) end
    value = value / 1e308
    scale = scale + LARGEST_POWER
  end
  if value == 0 or scale < 0 then return end
  if value * tonumber(string.format("1e%d", scale)) == math.huge then
    refuse("bad_json", "a number is out of range", position - 1)
  end
end

-- The number at the position: the position behind it, its text, and its value where it is a whole
-- number from 0 on that serde_json holds in 64 bits (large ones as "more than any limit"), else
-- nil and whether it is whole. Refuses what no double can hold.
local function scan_number(data, start)
  local position, minus, whole, fraction, sign, exponent = parts_of(data, start)
  local text = data:sub(start, position - 1)
  if not fraction and not exponent and not (minus and whole == "0") then
    if is_at_most(whole, minus and MIN_I64 or MAX_U64) then
      local value = #whole <= 9 and tonumber(whole) or math.huge
      return position, text, minus and -value or value
    end
  end
  check_double(whole, fraction or "", sign, exponent or "", position)
  return position, text, nil
end

return { scan_number = scan_number, skip_number = skip_number }
