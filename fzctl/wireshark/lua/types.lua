-- The types that a field may have: how a value is read, and which columns show it. Mirrors
-- fzctl/protocol/fields.py. emit() calls add(column, value, first, last, about) with JSON positions;
-- "about" is the place in a list.
--
-- "usual" is the pattern of the JSON that senders emit, "take" the value of what it caught, nil where
-- only the strict reading can tell.

local MAX_U16 = 65535
local USUAL_TEXT = '"([^"\\\0-\31\128-\255]*)"'
local USUAL_LIST = '%[([0-9a-f:.",]*)%]'
local COMMA = 0x2C

local function text_type(parse, reason, expected)
  return function()
    return {
      usual = USUAL_TEXT,
      take = function(text) return (parse(text)) end,
      read = function(reader) return reader:read_text(parse, reason, expected) end,
      emit = function(columns, found, add) add(columns[1], found.value, found.first, found.last) end,
    }
  end
end

local function emit_address(columns, value, first, last, add, place)
  add(columns[value:find(":", 1, true) and 2 or 1], value, first, last, place)
end

local function read_ip(reader)
  return reader:read_text(values.parse_ip, "bad_ip", "an IP address")
end

-- The addresses of a list without white space, if they are usual ones, and whether one of them lies
-- outside the resource ranges. Where they stand is told when somebody asks.
local function take_ips(text)
  local addresses, is_unusual, count, at, size = {}, false, 0, 1, #text
  while at <= size do
    local item, behind = text:match('^"([0-9a-f:.]*)"()', at)
    local inside = item and values.usual_place(item)
    if inside == nil then return nil end
    if behind <= size and text:byte(behind) ~= COMMA or behind == size then return nil end
    count, at = count + 1, behind + 1
    addresses[count] = item
    is_unusual = is_unusual or not inside
  end
  addresses.is_unusual = is_unusual
  return addresses
end

-- First and last bytes of the items of such a list, the first of which stands there.
local function spans_of(text, first)
  local spans = {}
  for from, item in text:gmatch('()("[^"]*")') do
    spans[#spans + 1] = { first = first + from - 1, last = first + from + #item - 2 }
  end
  return spans
end

local function read_ips(reader)
  local spans, addresses = reader:read_array(read_ip), {}
  for place, item in ipairs(spans) do
    addresses[place] = item.value
    addresses.is_unusual = addresses.is_unusual or not values.in_resource_ranges(item.value)
  end
  addresses.spans = spans
  return addresses
end

local function read_u16(reader)
  return reader:read_unsigned(MAX_U16, "a whole number up to 65535")
end

local types = {}

types.uuid = text_type(values.parse_uuid, "bad_uuid", "a UUID")
types.domain = text_type(values.parse_domain, "bad_domain", "a domain name")

function types.ip()
  return {
    read = read_ip,
    emit = function(columns, found, add) emit_address(columns, found.value, found.first, found.last, add) end,
  }
end

function types.ip_list()
  return {
    usual = USUAL_LIST,
    take = take_ips,
    read = read_ips,
    emit = function(columns, found, add)
      local spans = found.value.spans or spans_of(found.text, found.first + 1)
      for place, value in ipairs(found.value) do
        emit_address(columns, value, spans[place].first, spans[place].last, add, place)
      end
    end,
    is_list = true,
  }
end

-- Upstream: NatStatus, #[serde(other)] stands for everything else.
function types.status(options)
  local function identify(text)
    return text == options.active and options.active or options.inactive
  end
  local function value_of(name, given)
    return { name = name, unknown = given ~= options.active and given ~= options.inactive and given }
  end
  return {
    usual = USUAL_TEXT,
    take = function(text) return value_of(identify(text), text) end,
    read = function(reader)
      local name, _, given = reader:read_enum(identify, {})
      return value_of(name, given)
    end,
    emit = function(columns, found, add) add(columns[1], found.value.name, found.first, found.last) end,
    unknown = function(found) return found.value.unknown end,
    text = function(found) return found.value.name end,
  }
end

function types.u16()
  return {
    usual = "([1-9][0-9]?[0-9]?[0-9]?)",
    take = function(text) return tonumber(text) end,
    read = read_u16,
    emit = function(columns, found, add) add(columns[1], found.value, found.first, found.last) end,
  }
end

function types.protocol(options)
  local variants = { [options.icmp] = false }
  for _, name in ipairs(options.with_port) do variants[name] = { { name = options.port, read = read_u16 } } end
  local function identify(text)
    if variants[text] == nil then return nil, values.quote(text) .. " is none of tcp, udp, icmp" end
    return text
  end
  return {
    read = function(reader)
      local name, content = reader:read_enum(identify, variants)
      return { name = name, port = content[options.port] }
    end,
    emit = function(columns, found, add)
      local port = found.value.port
      add(columns[1], found.value.name, found.first, found.last)
      if port then add(columns[2], port.value, port.first, port.last) end
    end,
  }
end

return types
