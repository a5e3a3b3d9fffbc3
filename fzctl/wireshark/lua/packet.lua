-- The packet level. Wireshark has taken the IPv6 packet apart when it calls us; its header is
-- looked up in the frame, or in the bytes that came out of WireGuard, so that a receiver's rules
-- can be held against it. Mirrors fzctl/protocol/packet.py.
--
-- Where Wireshark builds no tree, Lua sees of the decrypted packet only what follows the header.
-- Its length was cut or accepted by then, so of these rules only the size is left.

local IPV6_HEADER, CONTROL_HEADER, MAX_PACKET, CONTROL_PROTOCOL = 40, 8, 1280, 255
local FRAGMENT = 44
local WALKED = { [0] = true, [43] = true, [44] = true, [60] = true, [135] = true, [139] = true, [140] = true,
  [253] = true, [254] = true }
local UNSPECIFIED_PAIR = ("\0"):rep(32)

local function u16(data, position)
  local high, low = data:byte(position, position + 1)
  return high * 256 + low
end

-- Walk the extension headers of a packet, or of what begins with the header "protocol": protocol
-- and offset behind them, is it a fragment, is it broken.
local function walk(packet, protocol)
  local offset, fragment = protocol and 0 or IPV6_HEADER, false
  protocol = protocol or packet:byte(7)
  while WALKED[protocol] and offset < #packet do
    if #packet < offset + 8 then return protocol, offset, fragment, true end
    local length = 8
    if protocol == FRAGMENT then
      local bits = u16(packet, offset + 3)
      fragment = fragment or bits >= 8 or bits % 2 == 1
    else
      length = 8 + 8 * packet:byte(offset + 2)
    end
    if #packet < offset + length then return protocol, offset, fragment, true end
    protocol, offset = packet:byte(offset + 1), offset + length
  end
  return protocol, offset, fragment, false
end

-- Where the packet begins whose control header stands at "start" of the frame (counted from 0):
-- the nearest IPv6 header from :: to :: that leads there, else the nearest one; with zeros in an
-- extension header, one may seem to begin within another. nil where the payload is not the frame's.
local function find_packet(frame, start, payload)
  if frame:sub(start + 1, start + #payload) ~= payload then return nil end
  local nearest = nil
  for from = start - IPV6_HEADER, 0, -1 do
    if math.floor(frame:byte(from + 1) / 16) == 6 and frame:sub(from + 9, from + 40) == UNSPECIFIED_PAIR then
      local protocol, offset = walk(frame:sub(from + 1, start))
      if protocol == CONTROL_PROTOCOL and from + offset == start then return from end
      nearest = nearest or from
    end
  end
  return nearest
end

-- Is there a fragment from :: to :: in the frame? Then what Wireshark hands over, it has put together.
local function has_fragment(frame)
  local pair = frame:find(UNSPECIFIED_PAIR, 9, true)
  while pair do
    if math.floor(frame:byte(pair - 8) / 16) == 6 then
      local _, _, fragment = walk(frame:sub(pair - 8))
      if fragment then return true end
    end
    pair = frame:find(UNSPECIFIED_PAIR, pair + 1, true)
  end
  return false
end

local function too_large(size)
  return "ip_too_large", "the packet has " .. size .. " bytes, receivers take at most " .. MAX_PACKET
end

-- What a receiver says of the packet before it looks at the control header: a reason and a
-- problem, or nothing. Reason "not_control": not even ours.
--   start: where the control header stands in its buffer; payload: from there on, as captured;
--   size: its size on the wire; frame: the whole frame as captured, wire: its size on the wire;
--   from: where the packet begins in it, as find_packet tells.
local function judge(start, payload, size, frame, wire, from)
  if not from then
    if has_fragment(frame) then return "ip_fragment", "the packet is a fragment" end
    local whole = (start >= IPV6_HEADER and start or IPV6_HEADER) + size
    if #payload < size then
      return "truncated", string.format("the capture lacks the last %d bytes of the packet (snap length)",
        size - #payload)
    end
    if whole > MAX_PACKET then return too_large(whole) end
  else
    local claimed = IPV6_HEADER + u16(frame, from + 5)
    local packet = frame:sub(from + 1, from + claimed)
    local protocol, offset, fragment, broken = walk(packet)
    if protocol ~= CONTROL_PROTOCOL then return "not_control" end
    if from + claimed > #frame and #frame < wire then
      return "truncated", string.format("the capture lacks the last %d bytes of the packet (snap length)",
        from + claimed - #frame)
    end
    if #packet > MAX_PACKET then return too_large(#packet) end
    if broken then return "ip_malformed", "the packet ends within an IPv6 extension header" end
    if claimed ~= #packet then
      return "ip_length_mismatch",
        string.format("the IPv6 header claims %d bytes, the packet has %d", claimed, #packet)
    end
    if fragment then return "ip_fragment", "the packet is a fragment" end
    if from + offset ~= start then return "not_control" end
  end
  if #payload < CONTROL_HEADER then
    return "too_short", "a control header has 8 bytes, " .. #payload .. " are there"
  end
  return nil
end

-- Where the control header begins behind extension headers, the first of them "protocol"; or nil.
local function find_control(headers, protocol)
  local found, offset, _, broken = walk(headers, protocol)
  return found == CONTROL_PROTOCOL and not broken and offset or nil
end

return {
  judge = judge, find_packet = find_packet, find_control = find_control, u16 = u16, CONTROL_HEADER = CONTROL_HEADER,
}
