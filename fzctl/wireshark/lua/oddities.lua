-- What is unusual about a message though a receiver takes it: the expert item's name, what it is
-- about ("reserved", "payload", the value as it was found, or the place in a list), and the words.

-- What an AssignedIps of a sender can have at most: with addresses of the resource ranges, and
-- with the longest texts that addresses have.
local RANGE_PAYLOAD, LONGEST_PAYLOAD, MAX_PAYLOAD = 526, 570, 1232
local NOTHING_RESERVED = ("\0"):rep(packet.CONTROL_HEADER - 1)

local texts = {
  reserved_bytes = "reserved bytes are not zero",
  size = "the payload is larger than a sender makes it",
  unknown_status = "a receiver takes an unknown status as not active",
  unused_payload = "a message without fields has a payload",
  outside_ranges = "an address lies outside the resource ranges",
}

-- The list of addresses in a message, if it has one.
local function list_of(verdict)
  return verdict.kind and verdict.kind.list and verdict.found[verdict.kind.list]
end

local function note(odd, name, about, text)
  odd[#odd + 1] = { name = name, about = about, text = text }
end

local function check_addresses(addresses, odd)
  for place, address in ipairs(addresses) do
    if not values.in_resource_ranges(address) then
      note(odd, "outside_ranges", place, address .. " lies outside the resource ranges")
    end
  end
end

local function check_size(size, odd)
  if size > LONGEST_PAYLOAD and size <= MAX_PAYLOAD then
    note(odd, "size", "payload", size .. " bytes: at most " .. LONGEST_PAYLOAD .. " with the longest addresses")
  elseif size > RANGE_PAYLOAD and size <= LONGEST_PAYLOAD then
    note(odd, "size", "payload", size .. " bytes: at most " .. RANGE_PAYLOAD .. " with addresses of the resource ranges")
  end
end

local function check_status(found, field, odd)
  local unknown = field.type.unknown(found)
  if unknown then
    note(odd, "unknown_status", found, values.quote(unknown) .. " is no status that a sender knows; it counts as "
      .. field.type.text(found))
  end
end

-- All that is unusual about a message with these bytes, in the order in which it stands there.
local function find(verdict, raw)
  local odd = {}
  local kind, size = verdict.kind, #raw - packet.CONTROL_HEADER
  if verdict.number and raw:sub(2, packet.CONTROL_HEADER) ~= NOTHING_RESERVED then note(odd, "reserved_bytes", "reserved") end
  if not kind then return odd end
  if #kind.fields == 0 then
    if size > 0 then
      note(odd, "unused_payload", "payload", kind.title .. " has no payload when a sender makes it, here " .. size .. " bytes")
    end
    return odd
  end
  local list = list_of(verdict)
  if kind.list then check_size(size, odd) end
  if list and list.value.is_unusual then check_addresses(list.value, odd) end
  local spoken = kind.spoken and verdict.found[kind.spoken.name]
  if spoken then check_status(spoken, kind.spoken, odd) end
  return odd
end

return { texts = texts, find = find, list_of = list_of }
