-- WireGuard sessions: which receiver indices belong together.
--
-- The response of a handshake names both. Frames are looked at from the first control message on
-- (before it nothing of ours runs), so the indices of an earlier handshake are paired as the two
-- that are used in opposite directions between the same ends; where both legs of a relay are in the
-- capture, an index is used between several. Sessions are numbered in the order in which control
-- messages use them.

local by_index, unpaired, kept, count

local function reset()
  by_index, unpaired, kept, count = {}, {}, {}, 0
end

local function observe_response(one, other)
  local known = by_index[one]
  if known and known == by_index[other] then return end -- the same frame on its other leg
  local session = {}
  by_index[one], by_index[other] = session, session
end

-- The session that lacks the index for this direction, or a new one that lacks the other.
local function pair(transport)
  local session = unpaired[transport.to .. transport.from]
  if session then
    for _, way in ipairs(session.ways) do unpaired[way] = nil end
    session.ways = nil
  else
    session = { ways = {} }
  end
  by_index[transport.receiver] = session
  return session
end

local function number_of(transport)
  local session, way = by_index[transport.receiver] or pair(transport), transport.from .. transport.to
  if session.ways and not unpaired[way] then
    unpaired[way] = session
    table.insert(session.ways, way)
  end
  if not session.number then
    count = count + 1
    session.number = count
  end
  return session.number
end

-- The session of a frame's transport message; what the first pass found is kept.
local function of_frame(frame, transport, visited)
  if not visited then kept[frame] = number_of(transport) end
  return kept[frame]
end

reset()

return { reset = reset, observe_response = observe_response, of_frame = of_frame }
