-- Numbers over the whole capture: a window in Wireshark's menu, and on tshark's terminal where a
-- preference asks for them.

local TITLE = "Firezone control messages"

local latest, latest_in = {}, nil

local function reset()
  latest, latest_in = {}, nil
end

-- Take note of one message. A frame is counted right after it was taken apart, so only the latest
-- frame's are kept.
local function note(frame, verdict, placed)
  if latest_in ~= frame then latest, latest_in = {}, frame end
  latest[#latest + 1] = {
    name = verdict.kind and verdict.kind.title or verdict.number and "kind " .. verdict.number or "broken packet",
    reason = verdict.reason,
    repeats = placed and placed.retransmission_of ~= nil,
    time = placed and placed.response_time,
  }
end

local function new_sums()
  return { total = 0, names = {}, reasons = {}, repeats = 0, times = {} }
end

local function add(sums, frame)
  if frame ~= latest_in then return end
  for _, message in ipairs(latest) do
    sums.total = sums.total + 1
    sums.names[message.name] = (sums.names[message.name] or 0) + 1
    if message.reason ~= "ok" then sums.reasons[message.reason] = (sums.reasons[message.reason] or 0) + 1 end
    if message.repeats then sums.repeats = sums.repeats + 1 end
    if message.time and not message.repeats then table.insert(sums.times, message.time) end
  end
end

local function table_of(title, counts)
  local lines, order = {}, {}
  for name in pairs(counts) do order[#order + 1] = name end
  if #order == 0 then return "" end
  table.sort(order)
  for _, name in ipairs(order) do lines[#lines + 1] = string.format("  %-20s %8d", name, counts[name]) end
  return title .. "\n" .. table.concat(lines, "\n") .. "\n"
end

local function text_of(sums)
  local text = string.format("%s: %d, repeated: %d\n", TITLE, sums.total, sums.repeats)
    .. table_of("Kinds", sums.names) .. table_of("Refused", sums.reasons)
  local times = sums.times
  if #times == 0 then return text end
  table.sort(times)
  return text .. string.format("Response times (ms)\n  answers %d, least %.3f, median %.3f, most %.3f\n", #times,
    times[1] * 1000, times[math.floor((#times + 1) / 2)] * 1000, times[#times] * 1000)
end

local function listen(draw)
  local sums = new_sums()
  local tap = Listener.new("frame", "fzp2p")
  function tap.packet(pinfo) add(sums, pinfo.number) end
  function tap.reset() sums = new_sums() end
  function tap.draw() draw(text_of(sums)) end
  return tap
end

local function open_window()
  local window = TextWindow.new(TITLE)
  local tap = listen(function(text) window:set(text) end)
  window:set_atclose(function() tap:remove() end)
  retap_packets()
end

-- Offer the numbers in the menu.
local function register()
  if gui_enabled() then register_menu(TITLE, open_window, MENU_STAT_UNSORTED) end
end

local is_printing = false

-- Print them on the terminal, once all is read.
local function print_numbers()
  if gui_enabled() or is_printing then return end
  is_printing = true
  listen(print)
end

return { reset = reset, note = note, register = register, print = print_numbers }
