-- WireGuard in TURN. Wireshark takes ChannelData and indications apart but does not look for
-- WireGuard in them; and it finds TURN on its own port or behind a STUN exchange only.

local COOKIE = 0x2112A442

local function looks_like_wireguard(tvb)
  local size = tvb:reported_len()
  if tvb:len() < 16 or size < 32 or tvb(1, 3):uint() ~= 0 then return false end
  local kind = tvb(0, 1):uint()
  return kind == 4 or (kind == 1 and size == 148) or (kind == 2 and size == 92) or (kind == 3 and size == 64)
end

local function call(name, tvb, pinfo, tree)
  local found = Dissector.get(name)
  if not found then return false end
  -- What it finds broken it throws, and here that would be an error of ours.
  pcall(found.call, found, tvb, pinfo, tree)
  return true
end

local proto = Proto("fzp2p_turn", "Firezone: WireGuard in TURN")

local function heuristic(tvb, pinfo, tree)
  if not dissector_prefs.turn or not looks_like_wireguard(tvb) then return false end
  return call("wg", tvb:range():tvb(), pinfo, tree)
end

-- For the UDP ports that the user names.
function proto.dissector(tvb, pinfo, tree)
  if tvb:len() < 20 then return 0 end
  local first = tvb(0, 1):uint()
  local done = false
  if first >= 0x40 and first < 0x80 then
    done = tvb(2, 2):uint() + 4 <= tvb:reported_len() and call("turnchannel", tvb, pinfo, tree)
  elseif first < 4 and tvb(4, 4):uint() == COOKIE then
    done = call("stun-udp", tvb, pinfo, tree)
  elseif looks_like_wireguard(tvb) then
    done = call("wg", tvb, pinfo, tree)
  end
  return done and tvb:len() or 0
end

for _, list in ipairs({ "stun", "turnchannel" }) do
  pcall(function() proto:register_heuristic(list, heuristic) end)
end

local ports = ""

-- Take the ports that the preferences name now.
local function set_ports(wanted)
  wanted = dissector_prefs.turn and wanted or ""
  if wanted == ports then return end
  local by_port = DissectorTable.get("udp.port")
  if ports ~= "" then pcall(by_port.remove, by_port, ports, proto) end
  if wanted ~= "" then pcall(by_port.add, by_port, wanted, proto) end
  ports = wanted
end

return { set_ports = set_ports }
