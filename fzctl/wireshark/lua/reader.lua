-- JSON, read as serde_json reads it from a slice into Rust structs. Mirrors
-- fzctl/protocol/reader.py, function by function; nothing here recurses with the payload's depth.
--
-- self.at is the position of the next byte, from 1; offsets of refusals count bytes read.

local refuse, try = refusals.refuse, refusals.try

local QUOTE, BACKSLASH, COMMA, COLON, MINUS = 0x22, 0x5C, 0x2C, 0x3A, 0x2D
local OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT = 0x5B, 0x5D, 0x7B, 0x7D
local ESCAPES = { [0x22] = '"', [0x5C] = "\\", [0x2F] = "/", [0x62] = "\b", [0x66] = "\f", [0x6E] = "\n",
  [0x72] = "\r", [0x74] = "\t" }
local IDENTS = { [0x6E] = { "null", "null" }, [0x74] = { "true", "a boolean" }, [0x66] = { "false", "a boolean" } }
local WELL_FORMED = {
  "^[\194-\223][\128-\191]()",
  "^\224[\160-\191][\128-\191]()",
  "^[\225-\236\238\239][\128-\191][\128-\191]()",
  "^\237[\128-\159][\128-\191]()",
  "^\240[\144-\191][\128-\191][\128-\191]()",
  "^[\241-\243][\128-\191][\128-\191][\128-\191]()",
  "^\244[\128-\143][\128-\191][\128-\191]()",
}

local function is_digit(byte)
  return byte >= 0x30 and byte <= 0x39
end

local function is_utf8(text)
  local position = text:find("[\128-\255]")
  while position do
    local behind
    for _, form in ipairs(WELL_FORMED) do
      behind = text:match(form, position)
      if behind then break end
    end
    if not behind then return false end
    position = text:find("[\128-\255]", behind)
  end
  return true
end

local function encode_utf8(code)
  if code < 0x80 then return string.char(code) end
  local tail = string.char(0x80 + code % 64)
  code = math.floor(code / 64)
  if code < 32 then return string.char(0xC0 + code) .. tail end
  tail = string.char(0x80 + code % 64) .. tail
  code = math.floor(code / 64)
  if code < 16 then return string.char(0xE0 + code) .. tail end
  return string.char(0xF0 + math.floor(code / 64), 0x80 + code % 64) .. tail
end

local Reader = {}
Reader.__index = Reader

function Reader.new(data)
  return setmetatable({ data = data, at = 1 }, Reader)
end

function Reader:peek()
  local byte = self.data:byte(self.at)
  if byte and byte > 0x20 then return byte end
  if self.at <= #self.data then
    local _, last = self.data:find("^[ \t\r\n]*", self.at)
    self.at = last + 1
  end
  return self.data:byte(self.at)
end

function Reader:refuse_at_peek(reason, problem, if_sound)
  refuse(reason, problem, math.min(self.at, #self.data), if_sound)
end

-- An error without a place gets the current one.
function Reader:place(refusal)
  if not refusal.offset then refusal.offset = self.at - 1 end
  error(refusal, 0)
end

function Reader:peek_value()
  local byte = self:peek()
  if not byte then self:refuse_at_peek("bad_json", "the payload ends where a value is expected") end
  return byte
end

function Reader:next(inside)
  local byte = self.data:byte(self.at)
  if not byte then refuse("bad_json", "the payload ends within " .. inside, self.at - 1) end
  self.at = self.at + 1
  return byte
end

function Reader:ident(word)
  for index = 1, #word do
    local byte = self.data:byte(self.at)
    if not byte then refuse("bad_json", "the payload ends within a word", self.at - 1) end
    self.at = self.at + 1
    if byte ~= word:byte(index) then refuse("bad_json", 'expected "' .. word .. '" here', self.at - 1) end
  end
end

-- Go to the next quote, backslash or control character and tell which.
function Reader:stop_in_string()
  local found = self.at <= #self.data and self.data:find('["\\\0-\31]', self.at)
  self.at = found or #self.data + 1
  if not found then refuse("bad_json", "the payload ends within a string", #self.data) end
  return self.data:byte(found)
end

function Reader:hex4()
  if self.at + 3 > #self.data then
    self.at = #self.data + 1
    refuse("bad_json", "the payload ends within a string", #self.data)
  end
  local digits = self.data:sub(self.at, self.at + 3)
  self.at = self.at + 4
  if not digits:find("^[0-9a-fA-F]+$") then
    refuse("bad_json", "a string holds an invalid escape", self.at - 1)
  end
  return tonumber(digits, 16)
end

function Reader:unicode_escape()
  local unit = self:hex4()
  if unit >= 0xDC00 and unit <= 0xDFFF then
    refuse("bad_json", "a string holds a lone surrogate", self.at - 1)
  end
  if unit < 0xD800 or unit > 0xDBFF then return unit end
  for _, expected in ipairs({ BACKSLASH, 0x75 }) do
    if self:next("a string") ~= expected then
      refuse("bad_json", "a string holds a lone surrogate", self.at - 1)
    end
  end
  local trail = self:hex4()
  if trail < 0xDC00 or trail > 0xDFFF then
    refuse("bad_json", "a string holds a lone surrogate", self.at - 1)
  end
  return 0x10000 + (unit - 0xD800) * 0x400 + trail - 0xDC00
end

-- The rest of a string after its opening quote.
function Reader:string()
  local plain = self.data:match('^([^"\\\0-\31\128-\255]*)"', self.at)
  if plain then
    self.at = self.at + #plain + 1
    return plain
  end
  local raw, start, stop = {}, nil, nil
  repeat
    start = self.at
    stop = self:stop_in_string()
    raw[#raw + 1] = self.data:sub(start, self.at - 1)
    self.at = self.at + 1
    if stop == BACKSLASH then
      local escape = self:next("a string")
      if escape == 0x75 then
        raw[#raw + 1] = encode_utf8(self:unicode_escape())
      elseif ESCAPES[escape] then
        raw[#raw + 1] = ESCAPES[escape]
      else
        refuse("bad_json", "a string holds an invalid escape", self.at - 1)
      end
    elseif stop ~= QUOTE then
      refuse("bad_json", "a string holds a raw control character", self.at - 1)
    end
  until stop == QUOTE
  local text = table.concat(raw)
  if not is_utf8(text) then refuse("invalid_utf8", "a string is not UTF-8", self.at - 1) end
  return text
end

-- Nobody reads it: the escapes must be of the right form, nothing else.
function Reader:skip_string()
  while true do
    local stop = self:stop_in_string()
    if stop ~= QUOTE and stop ~= BACKSLASH then
      refuse("bad_json", "a string holds a raw control character", self.at - 1)
    end
    self.at = self.at + 1
    if stop == QUOTE then return end
    local escape = self:next("a string")
    if escape == 0x75 then
      self:hex4()
    elseif not ESCAPES[escape] then
      refuse("bad_json", "a string holds an invalid escape", self.at - 1)
    end
  end
end

-- A scalar is read first, and may itself be broken.
function Reader:wrong_type(expected)
  local byte, found = self.data:byte(self.at), nil
  if IDENTS[byte] then
    found = IDENTS[byte][2]
    self:ident(IDENTS[byte][1])
  elseif is_digit(byte) or byte == MINUS then
    local text
    self.at, text = numbers.scan_number(self.data, self.at)
    found = "the number " .. (#text > 40 and text:sub(1, 37) .. "..." or text)
  elseif byte == QUOTE then
    self.at = self.at + 1
    self:string()
    found = "a string"
  elseif byte == OPEN_ARRAY or byte == OPEN_OBJECT then
    found = byte == OPEN_ARRAY and "an array" or "an object"
  else
    self:refuse_at_peek("bad_json", "expected a value here", "wrong_type")
  end
  refuse("wrong_type", "expected " .. expected .. ", found " .. found, self.at - 1)
end

function Reader:colon()
  if self:peek() ~= COLON then self:refuse_at_peek("bad_json", 'expected ":" here') end
  self.at = self.at + 1
end

function Reader:next_element(first)
  local byte = self:peek()
  if not byte then self:refuse_at_peek("bad_json", "the array does not end") end
  if byte == CLOSE_ARRAY then return false end
  if first then return true end
  if byte ~= COMMA then self:refuse_at_peek("bad_json", 'expected "," or "]" here') end
  self.at = self.at + 1
  if self:peek_value() == CLOSE_ARRAY then
    self:refuse_at_peek("bad_json", "a comma stands before the end of the array")
  end
  return true
end

-- Up to and with the key's opening quote.
function Reader:next_key(first)
  local byte = self:peek()
  if not byte then self:refuse_at_peek("bad_json", "the object does not end") end
  if byte == CLOSE_OBJECT then return false end
  if not first then
    if byte ~= COMMA then self:refuse_at_peek("bad_json", 'expected "," or "}" here') end
    self.at = self.at + 1
    byte = self:peek_value()
    if byte == CLOSE_OBJECT then
      self:refuse_at_peek("bad_json", "a comma stands before the end of the object")
    end
  end
  if byte ~= QUOTE then self:refuse_at_peek("bad_json", "a key must be a string") end
  self.at = self.at + 1
  return true
end

function Reader:end_array()
  local byte = self:peek()
  if byte == CLOSE_ARRAY then
    self.at = self.at + 1
    return
  end
  if not byte then self:refuse_at_peek("bad_json", "the array does not end") end
  if byte == COMMA then
    self.at = self.at + 1
    if self:peek() == CLOSE_ARRAY then
      self:refuse_at_peek("bad_json", "a comma stands before the end of the array")
    end
  end
  self:refuse_at_peek("trailing_data", "the array has too many elements", "wrong_length")
end

function Reader:end_object()
  if self:peek() ~= CLOSE_OBJECT then self:refuse_at_peek("bad_json", "the object does not end") end
  self.at = self.at + 1
end

-- A value with the positions of its first and last byte.
function Reader:spanned(read)
  self:peek()
  local first = self.at
  local value = read(self)
  return { value = value, first = first, last = self.at - 1 }
end

function Reader:visit_object(members, into)
  local first, reads = true, {}
  for _, member in ipairs(members) do reads[member.name] = member.read end
  while self:next_key(first) do
    first = false
    local key = self:string()
    local read = reads[key]
    if read == nil then
      self:colon()
      self:skip_value()
    else
      if not read then refuse("duplicate_field", 'the field "' .. key .. '" is given twice') end
      reads[key] = false
      self:colon()
      into[key] = self:spanned(read)
    end
  end
  for _, member in ipairs(members) do
    if reads[member.name] then refuse("missing_field", 'the field "' .. member.name .. '" is missing') end
  end
end

function Reader:visit_positions(members, into)
  for position, member in ipairs(members) do
    if not self:next_element(position == 1) then
      refuse("wrong_length", "expected " .. #members .. " elements, found " .. position - 1)
    end
    into[member.name] = self:spanned(member.read)
  end
end

-- A struct, as an object or as a positional array; values go to "into" as they are read.
function Reader:read_struct(members, expected, into)
  local opening = self:peek_value()
  local visit, close
  if opening == OPEN_OBJECT then
    visit, close = self.visit_object, self.end_object
  elseif opening == OPEN_ARRAY then
    visit, close = self.visit_positions, self.end_array
  else
    self:wrong_type(expected)
  end
  self.at = self.at + 1
  local done, refusal = try(visit, self, members, into)
  if not done then
    -- serde_json closes the container before it looks at the visitor's result, and the position
    -- of an unplaced error is where that attempt ended.
    try(close, self)
    self:place(refusal)
  end
  close(self)
end

function Reader:read_array(item)
  if self:peek_value() ~= OPEN_ARRAY then self:wrong_type("an array") end
  self.at = self.at + 1
  local items = {}
  while self:next_element(#items == 0) do items[#items + 1] = self:spanned(item) end
  self:end_array()
  return items
end

-- A string that "parse" turns into a value, or into nil and a problem.
function Reader:read_text(parse, reason, expected)
  if self:peek_value() ~= QUOTE then self:wrong_type(expected) end
  self.at = self.at + 1
  local value, problem = parse(self:string())
  if value == nil then refuse(reason, problem, self.at - 1) end
  return value
end

function Reader:read_unsigned(limit, expected)
  local byte = self:peek_value()
  if not is_digit(byte) and byte ~= MINUS then self:wrong_type(expected) end
  local text, value
  self.at, text, value = numbers.scan_number(self.data, self.at)
  if #text > 40 then text = text:sub(1, 37) .. "..." end
  if not value then
    refuse("wrong_type", "expected " .. expected .. ", found the floating point number " .. text, self.at - 1)
  end
  if value < 0 or value > limit then
    refuse("bad_value", "expected " .. expected .. ", found " .. text, self.at - 1)
  end
  return value
end

-- An externally tagged enum: the variant's name, its content, the text as given. "variants" maps
-- each name to the members of its struct, false for a unit variant; "identify" as in read_text.
function Reader:read_enum(identify, variants)
  local given
  local function name_of(text)
    given = text
    return identify(text)
  end
  local opening = self:peek_value()
  if opening == QUOTE then
    local name = self:read_text(name_of, "unknown_variant", "a variant's name")
    if variants[name] then
      refuse("wrong_type", '"' .. name .. '" needs its content: {"' .. name .. '": ...}')
    end
    return name, {}, given
  end
  if opening ~= OPEN_OBJECT then
    self:refuse_at_peek("bad_json", "expected a string or an object here", "wrong_type")
  end
  self.at = self.at + 1
  local name = self:read_text(name_of, "unknown_variant", "a variant's name")
  self:colon()
  local content = {}
  if variants[name] then
    self:read_struct(variants[name], 'the content of "' .. name .. '"', content)
  else
    if self:peek_value() ~= 0x6E then self:wrong_type('null as the content of "' .. name .. '"') end
    self:ident("null")
  end
  local closing = self:peek()
  if not closing then refuse("bad_json", "the object does not end", self.at - 1) end
  if closing ~= CLOSE_OBJECT then
    refuse("bad_json", "expected one variant only", self.at - 1, "wrong_type")
  end
  self.at = self.at + 1
  return name, content, given
end

function Reader:skip_scalar(opening)
  if opening == QUOTE then
    self.at = self.at + 1
    self:skip_string()
  elseif is_digit(opening) or opening == MINUS then
    self.at = numbers.skip_number(self.data, self.at)
  elseif IDENTS[opening] then
    self:ident(IDENTS[opening][1])
  else
    self:refuse_at_peek("bad_json", "expected a value here")
  end
end

-- Close what closes here; tell whether another value must follow.
function Reader:leave_containers(enclosing, after_value)
  while #enclosing > 0 do
    local inside_object = enclosing[#enclosing] == OPEN_OBJECT
    local byte = self:peek()
    if not byte then
      self:refuse_at_peek("bad_json", "the " .. (inside_object and "object" or "array") .. " does not end")
    end
    if byte == (inside_object and CLOSE_OBJECT or CLOSE_ARRAY) then
      self.at = self.at + 1
      enclosing[#enclosing] = nil
      after_value = true
    else
      if after_value then
        if byte ~= COMMA then
          self:refuse_at_peek("bad_json", 'expected "," or "' .. (inside_object and "}" or "]") .. '" here')
        end
        self.at = self.at + 1
      end
      return true
    end
  end
  return false
end

-- Pass over a value that nobody reads, of any depth.
function Reader:skip_value()
  local enclosing = {}
  while true do
    local opening = self:peek_value()
    local entered = opening == OPEN_ARRAY or opening == OPEN_OBJECT
    if entered then
      self.at = self.at + 1
      enclosing[#enclosing + 1] = opening
    else
      self:skip_scalar(opening)
    end
    if not self:leave_containers(enclosing, not entered) then return end
    if enclosing[#enclosing] == OPEN_OBJECT then
      if self:peek() ~= QUOTE then self:refuse_at_peek("bad_json", "a key must be a string") end
      self.at = self.at + 1
      self:skip_string()
      self:colon()
    end
  end
end

function Reader:read_document(read)
  read(self)
  if self:peek() then self:refuse_at_peek("trailing_data", "something follows the JSON value") end
end

-- The object's keys up to the first syntax error, and where the value of each begins; of a key
-- given twice the first.
local function top_level_keys(data)
  local reader, keys, first = Reader.new(data), {}, true
  try(function()
    if reader:peek_value() ~= OPEN_OBJECT then return end
    reader.at = reader.at + 1
    while reader:next_key(first) do
      first = false
      local key = reader:string()
      reader:colon()
      if not keys[key] then keys[key] = reader.at end
      reader:skip_value()
    end
  end)
  return keys
end

local function is_sound_json(data)
  local reader = Reader.new(data)
  return (try(reader.read_document, reader, reader.skip_value))
end

local function line_and_column(data, offset)
  local line, behind = 1, 0
  for position in data:sub(1, offset):gmatch("()\n") do line, behind = line + 1, position end
  return line, offset - behind
end

return {
  new = Reader.new,
  top_level_keys = top_level_keys,
  is_sound_json = is_sound_json,
  line_and_column = line_and_column,
}
