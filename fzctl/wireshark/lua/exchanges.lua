-- Exchanges: which message answers which, and which is a repetition. Mirrors
-- fzctl/analysis/exchanges.py, and fzctl/tunnel.py for messages that come twice.
--
-- What the first pass finds is kept by frame. An exchange is one table that its messages share,
-- so that a question knows its answer as soon as there is one: in a second pass, in the window.

local COPY_WINDOW = 1 -- seconds
local MOST_KEYS = 65536

local latest, keys, copies, in_plain, in_tunnel, kept, count

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
  latest, keys, copies, kept, count = {}, 0, {}, {}, 0
  in_plain, in_tunnel = new_sightings(), new_sightings()
end

-- Has another frame already brought this message: the same datagram on its other leg, or the
-- same packet in plain beside the tunnel?
local function is_copy(message)
  if message.identity then
    if copies[message.identity] then return true end
    copies[message.identity] = true
  end
  local mine, others = in_plain, in_tunnel
  if message.identity then mine, others = in_tunnel, in_plain end
  local waiting = others.young[message.bytes] or others.old[message.bytes]
  if waiting and math.abs(message.time - waiting) < COPY_WINDOW then
    others.young[message.bytes], others.old[message.bytes] = nil, nil
    return true
  end
  age(mine, message.time)
  mine.young[message.bytes] = message.time
  return false
end

-- Forget all that is open where that has become too much.
local function limit()
  keys = keys + 1
  if keys > MOST_KEYS then latest, keys, copies = {}, 1, {} end
end

local function place(message)
  if is_copy(message) or not message.accepted or not message.resource or not message.domain then return nil end
  local key = (message.session or 0) .. "/" .. message.resource .. "/" .. values.domain_key(message.domain)
  local found = latest[key]
  if not found or (found.answer and not message.is_answer) then
    if message.is_answer then return nil end -- an answer to nothing that was seen
    if not found then limit() end
    count = count + 1
    latest[key] = { number = count, question = message.frame, asked = message.time }
    return { exchange = latest[key], is_question = true }
  end
  if not message.is_answer then
    return { exchange = found, is_question = true, retransmission_of = found.question }
  end
  local placed = { exchange = found, response_to = found.question, response_time = message.time - found.asked }
  if found.answer and found.answer_payload == message.payload then placed.retransmission_of = found.answer end
  if not found.answer then found.answer, found.answer_payload = message.frame, message.payload end
  return placed
end

-- The message's place in an exchange, nil where it has none: exchange.number, response_to,
-- response_time in seconds, retransmission_of, and for questions exchange.answer.
local function observe(message, slot)
  kept[slot] = place(message) or false
  return kept[slot]
end

local function recall(slot)
  return kept[slot]
end

reset()

return { reset = reset, observe = observe, recall = recall }
