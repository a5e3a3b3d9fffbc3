-- The texts inside messages: UUIDs, domain names, IP addresses. Mirrors fzctl/protocol/values.py.
--
-- Each parse function takes what a receiver takes and returns the canonical text, or nil and the
-- problem in words.

local MAX_LABEL, MAX_NAME_BEFORE_ROOT = 63, 254
local LONGEST_IPV6 = 45
local MOST_ADDRESSES = 4096
local RANGE, GROUP = "^fd00:2021:1111:8000::", "([1-9a-f][0-9a-f]?[0-9a-f]?[0-9a-f]?)"
local ONE_GROUP, TWO_GROUPS = RANGE .. GROUP .. "$", RANGE .. GROUP .. ":" .. GROUP .. "$"

local HEX = "[0-9a-fA-F]"
local HEX4 = HEX:rep(4)
local HYPHENATED = HEX4 .. HEX4 .. "%-" .. HEX4 .. "%-" .. HEX4 .. "%-" .. HEX4 .. "%-" .. HEX4:rep(3)
local CANONICAL_UUID = "^" .. HYPHENATED:gsub("A%-F", "") .. "$"
local UUIDS = { "^" .. HYPHENATED .. "$", "^" .. HEX4:rep(8) .. "$", "^urn:uuid:" .. HYPHENATED .. "$",
  "^{" .. HYPHENATED .. "}$" }

local DOT = 0x2E
local USUAL_DOMAIN = "^[A-Za-z0-9_*-][A-Za-z0-9_*.-]*$"

local CHARACTER = "[\0-\127\192-\255][\128-\191]*"
local SHORT_ESCAPES = { ["\\"] = "\\\\", ["\t"] = "\\t", ["\n"] = "\\n", ["\r"] = "\\r" }

local function escape_character(character)
  if SHORT_ESCAPES[character] then return SHORT_ESCAPES[character] end
  local code = character:byte()
  if code >= 0x20 and code < 0x7F then return character end
  if code >= 0xC0 then
    code = code - (code >= 0xF0 and 0xF0 or code >= 0xE0 and 0xE0 or 0xC0)
    for index = 2, #character do code = code * 64 + character:byte(index) - 0x80 end
  end
  local form = code > 0xFFFF and "\\U%08x" or code > 0xFF and "\\u%04x" or "\\x%02x"
  return form:format(code)
end

-- UTF-8 text out of a packet in quotes, as Python's ascii() writes it; of long text the beginning.
local function quote(text)
  local shown, size, has_both = {}, 0, text:find("'", 1, true) and text:find('"', 1, true)
  for character in text:gmatch(CHARACTER) do
    size = size + 1
    if size > 80 then break end
    shown[size] = has_both and character == "'" and "\\'" or escape_character(character)
  end
  if size > 80 then return '"' .. table.concat(shown, "", 1, 77) .. '..."' end
  return '"' .. table.concat(shown) .. '"'
end

local function parse_uuid(text)
  if text:find(CANONICAL_UUID) then return text end
  for _, form in ipairs(UUIDS) do
    if text:find(form) then
      local digits = text:gsub("^urn:uuid:", ""):gsub("[{}-]", ""):lower()
      return digits:sub(1, 8) .. "-" .. digits:sub(9, 12) .. "-" .. digits:sub(13, 16) .. "-"
        .. digits:sub(17, 20) .. "-" .. digits:sub(21)
    end
  end
  return nil, quote(text) .. " is no UUID"
end

-- One symbol of a domain: its octet, how it is escaped, the position behind it.
local function next_symbol(text, position)
  local octet = text:byte(position)
  if octet ~= 0x5C then
    if octet < 0x20 or octet > 0x7E then
      return nil, quote(text) .. " holds " .. quote(text:match(CHARACTER, position)) .. ", not printable ASCII"
    end
    return octet, "", position + 1
  end
  local digits = text:match("^[0-9][0-9][0-9]", position + 1)
  if digits and tonumber(digits) <= 255 then return tonumber(digits), "decimal", position + 4 end
  local following = text:byte(position + 1)
  if not following or following < 0x20 or following > 0x7E or (following >= 0x30 and following <= 0x39) then
    return nil, quote(text) .. " has a broken escape"
  end
  return following, "simple", position + 2
end

local function escape_octet(octet)
  if octet == 0x20 or octet == 0x2E or octet == 0x5C then return "\\" .. string.char(octet) end
  if octet < 0x20 or octet > 0x7E then return string.format("\\%03d", octet) end
  return string.char(octet)
end

-- A usual domain is its own canonical text.
local function is_usual_domain(text)
  if #text > 253 or text:find("..", 1, true) or not text:find(USUAL_DOMAIN) or text:byte(-1) == DOT then
    return false
  end
  if #text <= MAX_LABEL then return true end
  local behind = 0
  repeat
    local dot = text:find(".", behind + 1, true)
    if (dot or #text + 1) - behind - 1 > MAX_LABEL then return false end
    behind = dot
  until not dot
  return true
end

local function parse_domain(text)
  if is_usual_domain(text) then return text end
  if text == "" then return nil, "the domain is empty" end
  if text == "." then return "." end
  local shown, size, used, position = {}, 0, 0, 1
  local ended = false -- a dot stands before this position
  while position <= #text do
    local octet, escaped, following = next_symbol(text, position)
    if not octet then return nil, escaped end
    position = following
    if octet == 0x2E and escaped == "" then
      if size == 0 then return nil, quote(text) .. " has an empty label" end
      size, ended = 0, true
    else
      if octet == 0x5B and escaped == "simple" and size == 0 then
        return nil, quote(text) .. " has a binary label"
      end
      -- A new label needs two octets but upstream checks for one.
      if used >= MAX_NAME_BEFORE_ROOT then return nil, "the domain is longer than 255 octets" end
      if size >= MAX_LABEL then return nil, quote(text) .. " has a label of more than 63 octets" end
      used = used + (size > 0 and 1 or 2)
      if ended then
        shown[#shown + 1] = "."
        ended = false
      end
      size = size + 1
      shown[#shown + 1] = escape_octet(octet)
    end
  end
  return table.concat(shown)
end

-- What two equal domains have in common: ASCII case and a final dot do not count.
local function domain_key(text)
  return text:find("[A-Z]") and (text:gsub("[A-Z]", string.lower)) or text
end

-- The texts that a receiver takes for an octet of an address.
local OCTETS = {}
for octet = 0, 255 do OCTETS[tostring(octet)] = true end

-- The second octet of an address in 100.96.0.0/11.
local SECOND_OCTETS = {}
for octet = 96, 127 do SECOND_OCTETS[tostring(octet)] = true end

-- The first two octets of an IPv4 address, nil where it is none.
local function ipv4_octets(text)
  local one, two, three, four = text:match("^([0-9]+)%.([0-9]+)%.([0-9]+)%.([0-9]+)$")
  if one and OCTETS[one] and OCTETS[two] and OCTETS[three] and OCTETS[four] then return one, two end
  return nil
end

-- An address of the resource range that is its own canonical text: the groups behind "::", or nil.
local function usual_ipv6_groups(text)
  local low = text:match(ONE_GROUP)
  if low then return "0", low end
  return text:match(TWO_GROUPS)
end

local function parse_octets(text)
  if not ipv4_octets(text) then return nil end
  local octets = { text:match("^([0-9]+)%.([0-9]+)%.([0-9]+)%.([0-9]+)$") }
  for index, octet in ipairs(octets) do octets[index] = tonumber(octet) end
  return octets
end

-- Groups of 16 bits; the last two of a text that may end with IPv4 come from there.
local function read_groups(text, last)
  local groups = {}
  if text == "" then return groups end
  local position = 1
  while true do
    local colon = text:find(":", position, true)
    local part = text:sub(position, colon and colon - 1)
    local octets = not colon and last and parse_octets(part)
    if octets then
      groups[#groups + 1] = octets[1] * 256 + octets[2]
      groups[#groups + 1] = octets[3] * 256 + octets[4]
    elseif #part <= 4 and part:find("^[0-9a-fA-F]+$") then
      groups[#groups + 1] = tonumber(part, 16)
    else
      return nil
    end
    if not colon then return groups end
    position = colon + 1
  end
end

local function parse_ipv6(text)
  if #text > LONGEST_IPV6 then return nil end
  local mark = text:find("::", 1, true)
  local front = read_groups(mark and text:sub(1, mark - 1) or text, not mark)
  local back = read_groups(mark and text:sub(mark + 2) or "", true)
  if not front or not back then return nil end
  local missing = 8 - #front - #back
  if mark and missing < 1 or not mark and missing ~= 0 then return nil end
  for _ = 1, missing do front[#front + 1] = 0 end
  for _, group in ipairs(back) do front[#front + 1] = group end
  return front
end

local function longest_zero_run(groups)
  local best_start, best_length, length = 0, 0, 0
  for index, group in ipairs(groups) do
    length = group == 0 and length + 1 or 0
    if length > best_length then best_start, best_length = index - length + 1, length end
  end
  return best_start, best_length
end

local function join_groups(groups, from, to)
  local shown = {}
  for index = from, to do shown[#shown + 1] = string.format("%x", groups[index]) end
  return table.concat(shown, ":")
end

local function format_ipv6(groups)
  local mapped = groups[6] == 0xFFFF
  for index = 1, 5 do mapped = mapped and groups[index] == 0 end
  if mapped then
    return string.format("::ffff:%d.%d.%d.%d", math.floor(groups[7] / 256), groups[7] % 256,
      math.floor(groups[8] / 256), groups[8] % 256)
  end
  local start, length = longest_zero_run(groups)
  if length < 2 then return join_groups(groups, 1, 8) end
  return join_groups(groups, 1, start - 1) .. "::" .. join_groups(groups, start + length, 8)
end

-- Of a usual address, which is its own canonical text: does it lie in the resource ranges? nil for
-- what is none.
local function usual_place(text)
  local one, two = ipv4_octets(text)
  if one then return one == "100" and SECOND_OCTETS[two] or false end
  local high = usual_ipv6_groups(text)
  if high then return tonumber(high, 16) < 0x20 end
  return nil
end

local function parse_ip(text)
  if usual_place(text) ~= nil then return text end
  local groups = parse_ipv6(text)
  if groups then return format_ipv6(groups) end
  return nil, quote(text) .. " is no IP address"
end

-- Does a canonical address lie in 100.96.0.0/11 or fd00:2021:1111:8000::/107?
local function in_resource_ranges(address)
  local inside = usual_place(address)
  if inside ~= nil then return inside end
  local groups = parse_ipv6(address)
  return groups ~= nil and groups[1] == 0xFD00 and groups[2] == 0x2021 and groups[3] == 0x1111
    and groups[4] == 0x8000 and groups[5] == 0 and groups[6] == 0 and groups[7] < 0x20
end

local addresses, count = {}, 0

-- Wireshark's address of a canonical text. Making one takes long, and they come again.
local function address_of(text)
  local address = addresses[text]
  if not address then
    if count == MOST_ADDRESSES then addresses, count = {}, 0 end
    address = text:find(":", 1, true) and Address.ipv6(text) or Address.ip(text)
    addresses[text] = address
    count = count + 1
  end
  return address
end

return {
  quote = quote,
  parse_uuid = parse_uuid,
  parse_domain = parse_domain,
  parse_ip = parse_ip,
  usual_place = usual_place,
  domain_key = domain_key,
  address_of = address_of,
  in_resource_ranges = in_resource_ranges,
}
