-- What Wireshark calls, and when.
--
-- Wireshark hands over a message while it takes a frame apart. It is judged at the frame's end, in
-- a post-dissector, because only there Lua sees the frame's bytes before the message: the IPv6
-- header, and the WireGuard datagram around it. The post-dissector is registered with the first
-- message, so that captures without any cost nothing.

local MOST_IN_FRAME = 16
local BEGINNING = 192 -- bytes of a frame in which its addresses stand, with room for what is around them

local proto = fzp2p
local post = Proto("firezone", "Firezone: names of proxy IPs")
local waiting, waiting_in, is_registered = {}, nil, false

proto.prefs.dialect = Pref.enum("Dialect", 1, "Whose rules judge a message", {
  { 1, "auto", 1 }, { 2, "seed", 2 }, { 3, "current", 3 }, { 4, "next", 4 },
}, false)
proto.prefs.experts = Pref.bool("Expert information", true, "Say what is wrong or unusual with a message")
proto.prefs.names = Pref.bool("Names of proxy IPs", true,
  "Packets to and from a proxy IP carry fzp2p.nat.domain")
proto.prefs.turn = Pref.bool("WireGuard in TURN", true, "Look for WireGuard in TURN's ChannelData and indications")
proto.prefs.numbers = Pref.bool("Numbers on the terminal", false,
  "tshark prints what Statistics, Firezone control messages shows")
proto.prefs.udp_ports = Pref.range("TURN or WireGuard on UDP ports", "",
  "Ports beside 3478 on which WireGuard comes directly or in ChannelData, such as 3479,5000-5010", 65535)

local DIALECTS = { "auto", "seed", "current", "next" }

local function take_preferences()
  dissector_prefs.dialect = DIALECTS[proto.prefs.dialect] or "auto"
  dissector_prefs.experts = proto.prefs.experts
  dissector_prefs.names = proto.prefs.names
  dissector_prefs.turn = proto.prefs.turn
  if proto.prefs.numbers then statistics.print() end
  turn.set_ports(tostring(proto.prefs.udp_ports or ""))
end

function proto.prefs_changed()
  take_preferences()
end

function proto.init()
  take_preferences()
  waiting, waiting_in = {}, nil
  sessions.reset()
  exchanges.reset()
  names.reset()
  statistics.reset()
end

-- The datagram that carried the frame's messages, and its session.
local function transport_of(frame, wire, pinfo)
  local transport = datagrams.find_transport(frame, wire)
  if not transport then return nil end
  transport.session = sessions.of_frame(pinfo.number, transport, pinfo.visited)
  return transport
end

local function show_waiting(frame, wire, pinfo, tree)
  local shown = waiting
  waiting, waiting_in = {}, nil
  local transport = transport_of(frame, wire, pinfo)
  for index, each in ipairs(shown) do
    -- Most frames have one message, and small numbers in a row make the smallest table.
    local slot = index == 1 and pinfo.number or -(pinfo.number * MOST_IN_FRAME + index)
    dissector.show(each, frame, wire, transport, pinfo, tree, slot)
  end
end

local function add_name(pinfo, tree)
  local frame = pinfo.number
  local source, target = pinfo.net_src, pinfo.net_dst
  local domain = names.find(target, frame) or names.find(source, frame)
  if domain then tree:add(post):add(dissector.fields.nat_domain, domain):set_generated() end
end

function post.dissector(tvb, pinfo, tree)
  if waiting_in == pinfo.number then
    show_waiting(tvb:raw(), tvb:reported_len(), pinfo, tree)
    return
  end
  local size = tvb:len()
  if size == 0 then return end
  local beginning = tvb:raw(0, size < BEGINNING and size or BEGINNING)
  if datagrams.may_be_response(beginning) and not pinfo.visited then
    local one, other = datagrams.find_response(tvb:raw(), tvb:reported_len())
    if one then sessions.observe_response(one, other) end
  end
  if not dissector_prefs.names or names.is_empty() then return end
  if names.may_be_in(beginning) or datagrams.may_be_transport(beginning) then add_name(pinfo, tree) end
end

local function is_ours(pinfo)
  return not pinfo.in_error_pkt and pinfo.net_src == dissector.UNSPECIFIED
    and pinfo.net_dst == dissector.UNSPECIFIED
end

local function take(tvb, pinfo)
  if not is_registered then
    is_registered = true
    register_postdissector(post)
  end
  if waiting_in ~= pinfo.number then waiting, waiting_in = {}, pinfo.number end
  if #waiting < MOST_IN_FRAME - 1 then
    waiting[#waiting + 1] = { tvb = tvb, start = tvb:offset() }
  end
end

function proto.dissector(tvb, pinfo)
  if not is_ours(pinfo) then return 0 end
  take(tvb, pinfo)
  return tvb:len()
end

-- Receivers pass over extension headers that Wireshark takes for protocols; where it knows such a
-- protocol, that one still gets its packets.
local function watch_header(by_protocol, number)
  local headers = Proto("fzp2p_header_" .. number, "Firezone: IPv6 extension header " .. number)
  local other = by_protocol:get_dissector(number)
  function headers.dissector(tvb, pinfo, tree)
    local start = is_ours(pinfo) and packet.find_control(tvb:raw(), number)
    if start and start < tvb:len() then
      take(tvb:range(start):tvb(), pinfo)
    elseif other then
      -- What the other finds broken it throws, and here that would be an error of ours.
      local sound, taken = pcall(other.call, other, tvb, pinfo, tree)
      return sound and taken or tvb:len()
    else
      return 0
    end
    return tvb:len()
  end
  by_protocol:add(number, headers)
end

local by_protocol = DissectorTable.get("ip.proto")
by_protocol:add(declared.protocol, proto)
for _, number in ipairs({ 44, 135, 139, 253, 254 }) do watch_header(by_protocol, number) end
statistics.register()

-- What is kept of messages lives as long as the capture is open: to look through it for garbage
-- each time that it has doubled takes a quarter of the time of a large capture.
collectgarbage("setpause", 400)
