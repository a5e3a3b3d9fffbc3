-- Names for proxy IPs: which domain an address stands for, as of a frame.
--
-- Wireshark may print an address as a name, and the same name for several addresses; so what is
-- printed only finds candidates, and equality of the addresses decides.

local by_text, all, printed

local function reset()
  by_text, all, printed = {}, {}, {}
end

local function learn(frame, text, address, domain)
  local entry = by_text[text]
  if not entry then
    entry = { address = address, frames = {}, domains = {} }
    by_text[text] = entry
    all[#all + 1] = entry
    printed = {}
  end
  local last = #entry.frames
  if entry.domains[last] == domain or (last > 0 and entry.frames[last] > frame) then return end
  entry.frames[last + 1], entry.domains[last + 1] = frame, domain
end

local function find_entry(address)
  local text = tostring(address)
  local entry = by_text[text]
  if entry and entry.address == address then return entry end
  if printed[text] == nil then
    printed[text] = false
    if not text:find("^[0-9a-f.:]*$") then
      for _, each in ipairs(all) do
        if each.address == address then printed[text] = each end
      end
    end
  end
  entry = printed[text]
  if entry and entry.address == address then return entry end
  if entry then
    for _, each in ipairs(all) do
      if each.address == address then return each end
    end
  end
  return nil
end

-- The domain that the address stood for when the frame came.
local function find(address, frame)
  local entry = find_entry(address)
  if not entry then return nil end
  for index = #entry.frames, 1, -1 do
    if entry.frames[index] <= frame then return entry.domains[index] end
  end
  return nil
end

local function is_empty()
  return #all == 0
end

reset()

return { reset = reset, learn = learn, find = find, is_empty = is_empty }
