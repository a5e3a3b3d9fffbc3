-- Which WireGuard datagram a frame holds, found in its bytes: Lua is not told, and asking
-- Wireshark for field values costs every packet and fails in the first of two passes.
--
-- Looked for is a WireGuard message right behind a UDP header, or in TURN's ChannelData or in an
-- indication there, where the UDP header's length fits the frame.

local UDP, UDP_HEADER, CHANNEL_HEADER = 17, 8, 4
local TRAILER = 64 -- the most that may follow the datagram in a frame
local TRANSPORT, RESPONSE = "\4\0\0\0", "\2\0\0\0"
local TAG = 16
local COOKIE, COOKIE_OFFSET, DATA = "\33\18\164\66", 4, "\0\19" -- of STUN: RFC 8489 section 5, RFC 8656 section 18.3
local FIRST = 29 -- behind the shortest IP and UDP headers

-- The ends of the datagram whose UDP header begins there: from, to; nil where no IP precedes it.
local function ends_of(frame, udp)
  local source, target = frame:sub(udp, udp + 1), frame:sub(udp + 2, udp + 3)
  if udp > 20 and frame:byte(udp - 20) == 0x45 and frame:byte(udp - 11) == UDP then
    return frame:sub(udp - 8, udp - 5) .. source, frame:sub(udp - 4, udp - 1) .. target
  end
  if udp > 40 and math.floor(frame:byte(udp - 40) / 16) == 6 and frame:byte(udp - 34) == UDP then
    return frame:sub(udp - 32, udp - 17) .. source, frame:sub(udp - 16, udp - 1) .. target
  end
  return nil
end

-- The UDP header that stands "gap" bytes before the message, if one does.
local function udp_before(frame, wire, message, gap)
  local udp = message - gap - UDP_HEADER
  if udp < 21 then return nil end
  local size, left = packet.u16(frame, udp + 4), wire - udp + 1
  if size < UDP_HEADER + gap + 32 or size > left or left > size + TRAILER then return nil end
  local from, to = ends_of(frame, udp)
  if not from then return nil end
  return { from = from, to = to, message = message, size = size - UDP_HEADER - gap }
end

-- The same where the message is the data of an indication; other attributes may stand around it.
local function udp_before_indication(frame, wire, message)
  if frame:sub(message - 4, message - 3) ~= DATA then return nil end
  local cookie = frame:find(COOKIE, FIRST, true)
  if not cookie or cookie > message then return nil end
  local found = udp_before(frame, wire, message, message - cookie + COOKIE_OFFSET)
  if found then found.size = math.min(found.size, packet.u16(frame, message - 2)) end
  return found
end

local function is_channel(first)
  return first >= 0x40 and first < 0x80
end

local function find(frame, wire, kind)
  local message = frame:find(kind, FIRST, true)
  while message do
    local found = udp_before(frame, wire, message, 0)
      or is_channel(frame:byte(message - CHANNEL_HEADER)) and udp_before(frame, wire, message, CHANNEL_HEADER)
      or udp_before_indication(frame, wire, message)
    if found and found.message + 15 <= #frame then return found end
    message = frame:find(kind, message + 1, true)
  end
  return nil
end

-- May a frame that begins with these bytes hold such a message?
local function may_be_response(beginning)
  return beginning:find(RESPONSE, FIRST, true) ~= nil
end

local function may_be_transport(beginning)
  return beginning:find(TRANSPORT, FIRST, true) ~= nil
end

-- The transport message of a frame: its ends, receiver index, and what no other has.
local function find_transport(frame, wire)
  local found = find(frame, wire, TRANSPORT)
  if not found then return nil end
  local at = found.message
  found.receiver = frame:sub(at + 4, at + 7)
  found.identity = frame:sub(at + 4, at + 15) .. frame:sub(at + found.size - TAG, at + found.size - 1)
  return found
end

-- The two indices that a handshake's response brings together.
local function find_response(frame, wire)
  local found = find(frame, wire, RESPONSE)
  if not found or found.size ~= 92 then return nil end
  return frame:sub(found.message + 4, found.message + 7), frame:sub(found.message + 8, found.message + 11)
end

return {
  find_transport = find_transport,
  find_response = find_response,
  may_be_transport = may_be_transport,
  may_be_response = may_be_response,
}
