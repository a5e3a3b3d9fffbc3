-- Names for proxy IPs: which domain an address stands for, as of a frame.
--
-- Wireshark may print an address as a name, and any name it likes; so what is printed only finds a
-- candidate, and equality of the addresses decides.

-- How addresses of the resource ranges begin: 100, then 96 to 127; and the 59 bits that all IPv6 ones share.
local IPV4_FIRST, IPV4_SECOND = "d", { 96, 127 }
local IPV6_BEGINNING = "\253\0\32\33\17\17\128\0"

-- Runs of sorted addresses, each at least twice as long as the next; and what came since, unsorted.
local runs, fresh

local known, earlier, objects, size, is_unusual

local function reset()
  known, earlier, objects, runs, fresh = {}, {}, {}, {}, {}
  size, is_unusual = 0, false
end

-- Take in what addresses stand for from a frame on; "outside": one may lie outside the resource ranges.
local function learn(frame, addresses, domain, outside)
  local news = { domain = domain, since = frame }
  is_unusual = is_unusual or outside
  for _, address in ipairs(addresses) do
    local before = known[address]
    if not before then
      known[address] = news
      size = size + 1
      fresh[#fresh + 1] = address
    elseif before.domain ~= domain and before.since <= frame then
      earlier[address] = earlier[address] or {}
      table.insert(earlier[address], before)
      known[address] = news
    end
  end
end

local function object_of(address)
  local object = objects[address]
  if not object then
    object = values.address_of(address)
    objects[address] = object
  end
  return object
end

local function comes_before(one, other)
  return object_of(one) < object_of(other)
end

local function merge(one, other)
  local merged, left, right = {}, 1, 1
  for index = 1, #one + #other do
    if right > #other or left <= #one and comes_before(one[left], other[right]) then
      merged[index], left = one[left], left + 1
    else
      merged[index], right = other[right], right + 1
    end
  end
  return merged
end

-- New addresses may come between any two that are looked up: to sort all of them each time would
-- take quadratic time.
local function sort_fresh()
  if #fresh == 0 then return end
  table.sort(fresh, comes_before)
  local run = fresh
  fresh = {}
  while #runs > 0 and #runs[#runs] < 2 * #run do run = merge(table.remove(runs), run) end
  runs[#runs + 1] = run
end

local function search_run(run, address)
  local first, last = 1, #run
  while first <= last do
    local middle = math.floor((first + last) / 2)
    local found = object_of(run[middle])
    if found == address then return run[middle] end
    if found < address then first = middle + 1 else last = middle - 1 end
  end
  return nil
end

-- The known address that is equal to one which Wireshark prints as a name.
local function search(address)
  sort_fresh()
  for _, run in ipairs(runs) do
    local found = search_run(run, address)
    if found then return found end
  end
  return nil
end

local function find_known(address)
  local text = tostring(address)
  if known[text] and object_of(text) == address then return text end
  if text:find("^[0-9.]*$") or text:find(":", 1, true) and text:find("^[0-9a-f:]*$") then return nil end
  return search(address)
end

-- The domain that the address stood for when the frame came.
local function find(address, frame)
  local text = find_known(address)
  if not text then return nil end
  if known[text].since <= frame then return known[text].domain end
  local before = earlier[text] or {}
  local first, last = 1, #before
  while first <= last do
    local middle = math.floor((first + last) / 2)
    if before[middle].since <= frame then first = middle + 1 else last = middle - 1 end
  end
  return before[last] and before[last].domain
end

-- May a packet in these bytes come from or go to a known address? Most do not, and this tells it
-- in a fraction of what looking an address up takes.
local function may_be_in(bytes)
  if is_unusual then return true end
  local at = bytes:find(IPV4_FIRST, 1, true)
  while at do
    local second = bytes:byte(at + 1)
    if second and second >= IPV4_SECOND[1] and second <= IPV4_SECOND[2] then return true end
    at = bytes:find(IPV4_FIRST, at + 1, true)
  end
  return bytes:find(IPV6_BEGINNING, 1, true) ~= nil
end

local function is_empty()
  return size == 0
end

reset()

return { reset = reset, learn = learn, find = find, may_be_in = may_be_in, is_empty = is_empty }
