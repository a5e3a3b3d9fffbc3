-- Exchanges: which message answers which, and which is a repetition. Mirrors
-- fzctl/analysis/exchanges.py, and fzctl/tunnel.py for messages that come twice.
--
-- What the first pass finds is kept by frame. An exchange is one table that its messages share,
-- so that a question knows its answer as soon as there is one: in a second pass, in the window.

local COPY_WINDOW = 1 -- seconds
local MOST_KEYS = 65536

local latest, keys, copies, in_plain, in_tunnel, kept, repeated, count

-- What was seen, by a key, until it is at least as old as the window; at most twice as long.
local function new_sightings()
  return { young = {}, old = {}, began = 0 }
end

-- Forget what is too old at that time.
local function age(sightings, time)
  if math.abs(time - sightings.began) >= COPY_WINDOW then
    sightings.old, sightings.young, sightings.began = sightings.young, {}, time
  end
end

local function reset()
  latest, keys, copies, kept, repeated, count = {}, 0, {}, {}, {}, 0
  in_plain, in_tunnel = new_sightings(), new_sightings()
end

-- Has another frame already brought this message: the same datagram on its other leg, or the
-- same packet in plain beside the tunnel?
local function is_copy(bytes, transport, time)
  local mine, others = in_plain, in_tunnel
  if transport then
    mine, others = in_tunnel, in_plain
    if copies[transport.identity] then return true end
    copies[transport.identity] = true
  end
  local waiting = others.young[bytes] or others.old[bytes]
  if waiting and math.abs(time - waiting) < COPY_WINDOW then
    others.young[bytes], others.old[bytes] = nil, nil
    return true
  end
  age(mine, time)
  mine.young[bytes] = time
  return false
end

-- Forget all that is open where that has become too much.
local function limit()
  keys = keys + 1
  if keys > MOST_KEYS then latest, keys, copies = {}, 1, {} end
end

-- The exchange that a message belongs to, a new one where it begins one, nil where it has none.
local function find_exchange(verdict, bytes, transport, frame, time)
  local resource, domain = verdict.found.resource, verdict.found.domain
  if is_copy(bytes, transport, time) or not (verdict.accepted and resource and domain) then return nil end
  local session = transport and transport.session or 0
  local key = session .. "/" .. resource.value .. "/" .. values.domain_key(domain.value)
  local found = latest[key]
  -- An answer to nothing that was seen has no place.
  if verdict.kind.answers or found and not found.answer then return found end
  if not found then limit() end
  count = count + 1
  found = { number = count, question = frame, asked = time }
  latest[key] = found
  return found
end

-- Take in a message's first sight.
local function observe(verdict, bytes, transport, frame, time, slot)
  local found = find_exchange(verdict, bytes, transport, frame, time)
  kept[slot] = found
  if not found or not verdict.kind.answers then return end
  local payload = bytes:sub(packet.CONTROL_HEADER + 1)
  if not found.answer then
    found.answer, found.answer_payload = frame, payload
  elseif found.answer_payload == payload then
    repeated[slot] = found.answer
  end
end

-- A message's place in an exchange, nil where it has none: number, response_to, response_time in
-- seconds, retransmission_of, and for questions response_in.
--   bytes: its control header and payload; transport: the WireGuard datagram around it, if there
--   is one; time: in seconds; visited: has it been seen before?
local function place(verdict, bytes, transport, frame, time, slot, visited)
  if not visited then observe(verdict, bytes, transport, frame, time, slot) end
  local found = kept[slot]
  if not found then return nil end
  if verdict.kind.answers then
    return { number = found.number, response_to = found.question, response_time = time - found.asked,
      retransmission_of = repeated[slot] }
  end
  return { number = found.number, response_in = found.answer,
    retransmission_of = found.question ~= frame and found.question or nil }
end

reset()

return { reset = reset, place = place }
