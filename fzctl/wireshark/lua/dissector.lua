-- The protocol, its fields, and what stands in the tree.

local PREFIX = "fzp2p."
local UNSPECIFIED = Address.ipv6("::")
local RESERVED = 7

local proto = fzp2p

-- --- fields -------------------------------------------------------------------------------------

local kind_names, fields, experts, expert_texts = {}, {}, {}, {}
for _, kind in ipairs(declared.kinds) do
  kind_names[kind.number] = kind_names[kind.number] or kind.title
end

local reserved_words = {
  kind = ProtoField.uint8(PREFIX .. "kind", "Kind", base.DEC, kind_names),
  reserved = ProtoField.bytes(PREFIX .. "reserved", "Reserved"),
  payload = ProtoField.bytes(PREFIX .. "payload", "Payload"),
  accepted = ProtoField.bool(PREFIX .. "accepted", "Accepted"),
  reason = ProtoField.string(PREFIX .. "reason", "Reason"),
  error = ProtoField.string(PREFIX .. "error", "Error"),
  dialect = ProtoField.string(PREFIX .. "dialect", "Dialect"),
  response_in = ProtoField.framenum(PREFIX .. "response_in", "Answered in frame", base.NONE, frametype.RESPONSE),
  response_to = ProtoField.framenum(PREFIX .. "response_to", "Answer to frame", base.NONE, frametype.REQUEST),
  response_time = ProtoField.relative_time(PREFIX .. "response_time", "Time since the question"),
  retransmission_of = ProtoField.framenum(PREFIX .. "retransmission_of", "Repeats frame", base.NONE,
    frametype.RETRANS_PREV),
  exchange = ProtoField.uint32(PREFIX .. "exchange", "Exchange number"),
  session = ProtoField.uint32(PREFIX .. "session", "WireGuard session"),
  nat_domain = ProtoField.string(PREFIX .. "nat.domain", "NAT domain"),
}
for name, field in pairs(reserved_words) do fields[name] = field end

local makers = {
  guid = ProtoField.guid,
  string = ProtoField.string,
  ipv4 = ProtoField.ipv4,
  ipv6 = ProtoField.ipv6,
  uint16 = ProtoField.uint16,
}
for _, column in ipairs(declared.columns) do
  fields[column.name] = makers[column.kind](PREFIX .. column.name, column.label)
  if column.kind == "guid" then
    fields[column.name .. "_text"] = ProtoField.string(PREFIX .. column.name .. "_text", column.label .. " (text)")
  end
end

local registered = {}
for name, field in pairs(fields) do registered[#registered + 1] = { name = name, field = field } end
table.sort(registered, function(one, other) return one.name < other.name end)
for index, each in ipairs(registered) do registered[index] = each.field end
proto.fields = registered

local function declare_expert(name, text, group, severity)
  experts[name] = ProtoExpert.new(PREFIX .. "expert." .. name, text, group, severity)
  expert_texts[name] = text
end

for _, reason in ipairs(declared.reasons) do
  local unknown = reason.slug == "unknown_event"
  declare_expert(reason.slug, reason.text, unknown and expert.group.UNDECODED or expert.group.MALFORMED,
    unknown and expert.severity.NOTE or expert.severity.ERROR)
end
for name, text in pairs(oddities.texts) do
  declare_expert(name, text, expert.group.PROTOCOL, expert.severity.WARN)
end

local registered_experts = {}
for _, each in pairs(experts) do registered_experts[#registered_experts + 1] = each end
proto.experts = registered_experts

local function complain(item, name, text)
  if dissector_prefs.experts then item:add_proto_expert_info(experts[name], text or expert_texts[name]) end
end

-- --- the tree -----------------------------------------------------------------------------------

local function add_generated(item, name, value)
  if value ~= nil then item:add(fields[name], value):set_generated() end
end

-- Adds one value of a kind's field; text in canonical form, its JSON at the range.
local function add_plain(item, column, range, value)
  return item:add(fields[column.name], range, value)
end

local function add_address(item, column, range, value)
  return item:add(fields[column.name], range, values.address_of(value))
end

local add_value = {
  string = add_plain,
  uint16 = add_plain,
  ipv4 = add_address,
  ipv6 = add_address,
  guid = function(item, column, range, value)
    local bytes = ByteArray.new((value:gsub("-", ""))):tvb(column.label)
    item:add(fields[column.name .. "_text"], range, value)
    return item:add(fields[column.name], bytes())
  end,
}

local function add_field(root, tvb, field, found, items)
  field.type.emit(field.columns, found, function(name, value, first, last, about)
    local column = declared.columns_by_name[name]
    local range = tvb(packet.CONTROL_HEADER + first - 1, last - first + 1)
    items[about or found] = add_value[column.kind](root, column, range, value)
  end)
end

-- Adds what stands in the message; items by what they show.
local function add_message(root, tvb, verdict, items)
  if not verdict.number then return end
  root:add(fields.kind, tvb(0, 1))
  items.reserved = root:add(fields.reserved, tvb(1, RESERVED))
  local size = tvb:len() - packet.CONTROL_HEADER
  if size > 0 then items.payload = root:add(fields.payload, tvb(packet.CONTROL_HEADER, size)) end
  for _, field in ipairs(verdict.kind and verdict.kind.fields or {}) do
    local found = verdict.found[field.name]
    if found then add_field(root, tvb, field, found, items) end
  end
end

local function add_verdict(root, verdict, transport)
  add_generated(root, "dialect", verdict.dialect)
  add_generated(root, "accepted", verdict.accepted)
  add_generated(root, "reason", verdict.reason)
  add_generated(root, "error", verdict.error)
  add_generated(root, "session", transport and transport.session)
end

local function info_of(verdict)
  local kind, found = verdict.kind, verdict.found
  local text = kind and kind.title or verdict.number and "unknown kind " .. verdict.number or "control packet"
  local list, spoken = oddities.list_of(verdict), kind and kind.spoken
  if found.domain then text = text .. " " .. found.domain.value end
  if list then text = text .. " (" .. #list.value .. " addresses)" end
  if spoken and found[spoken.name] then text = text .. " " .. spoken.type.text(found[spoken.name]) end
  return verdict.accepted and text or text .. " [refused: " .. verdict.reason .. "]"
end

-- --- one message --------------------------------------------------------------------------------

-- The bytes that came out of a tunnel and hold the message, their size on the wire, and where the
-- packet begins in them. Lua gets at them through an item of the tree alone: there is none in the first of two passes, and none of
-- "ipv6" where only fields of ours are asked for. A Field in place of this would cost every packet.
local function find_source(name, start, raw)
  local has_tree, items = pcall(function() return { all_field_infos() } end)
  for index = has_tree and #items or 0, 1, -1 do
    local source = items[index].name == name and items[index].source
    local from = source and packet.find_packet(source:raw(), start, raw)
    if from then return source:raw(), source:reported_len(), from end
  end
  return nil
end

local function judge(tvb, raw, start, frame, wire, from)
  local reason, problem = packet.judge(start, raw, tvb:reported_len(), frame, wire, from)
  if reason and not (reason == "truncated" and #raw >= packet.CONTROL_HEADER) then
    return codec.verdict(nil, "unknown", nil, nil, {}, reason, problem)
  end
  local verdict = codec.judge(raw:byte(1), raw:sub(packet.CONTROL_HEADER + 1), dissector_prefs.dialect)
  if reason then verdict.accepted, verdict.reason, verdict.error = false, reason, problem end
  return verdict
end

local function time_of(seconds)
  local whole = math.floor(math.abs(seconds))
  local rest = math.floor((math.abs(seconds) - whole) * 1e9 + 0.5)
  if rest >= 1e9 then whole, rest = whole + 1, 0 end
  if seconds < 0 then whole, rest = -whole, -rest end
  return NSTime.new(whole, rest)
end

local function add_place(root, placed)
  add_generated(root, "exchange", placed.number)
  add_generated(root, "retransmission_of", placed.retransmission_of)
  add_generated(root, "response_to", placed.response_to)
  if placed.response_time then add_generated(root, "response_time", time_of(placed.response_time)) end
  add_generated(root, "response_in", placed.response_in)
end

local function learn_names(verdict, frame)
  local list, domain = verdict.accepted and oddities.list_of(verdict), verdict.found.domain
  if not list or not domain then return end
  names.learn(frame, list.value, domain.value, list.value.is_unusual)
end

local ours

-- Does anybody look at our fields: a window, a filter, a column, a tap?
local function is_looked_at(root)
  ours = ours or Dissector.get("fzp2p") -- which Wireshark knows only when all scripts are loaded
  return root:referenced(ours)
end

-- Everything about one message, once its whole frame is known.
--   waiting: tvb, start; frame: the frame's bytes as captured; wire: its size on the wire.
local function show(waiting, frame, wire, transport, pinfo, tree, slot)
  local tvb, start, root, items = waiting.tvb, waiting.start, nil, {}
  local raw = tvb:len() > 0 and tvb:raw() or ""
  local from = packet.find_packet(frame, start, raw)
  if not from then
    local source, size, at = find_source("ipv6", start, raw)
    if not source then
      root = tree:add(proto, tvb())
      source, size, at = find_source("fzp2p", start, raw)
    end
    if source then frame, wire, from = source, size, at end
  end
  local verdict = judge(tvb, raw, start, frame, wire, from)
  if verdict.reason == "not_control" then
    if root then root:set_hidden() end
    return
  end
  root = root or tree:add(proto, tvb())
  local odd = oddities.find(verdict, raw)
  local placed = exchanges.place(verdict, raw, transport, pinfo.number, pinfo.rel_ts, slot, pinfo.visited)
  -- Where nobody looks at fields, making them would be most of the work.
  if is_looked_at(root) then
    add_message(root, tvb, verdict, items)
    add_verdict(root, verdict, transport)
    if placed and verdict.accepted then add_place(root, placed) end
  end
  if not verdict.accepted then complain(root, verdict.reason, verdict.error) end
  for _, each in ipairs(odd) do complain(items[each.about] or root, each.name, each.text) end
  if dissector_prefs.names and not pinfo.visited then learn_names(verdict, pinfo.number) end
  statistics.note(pinfo.number, verdict, placed)
  local info = info_of(verdict)
  root:append_text(", " .. info)
  pinfo.cols.protocol:set("FZP2P")
  pinfo.cols.info:set(info)
end

return { show = show, fields = fields, UNSPECIFIED = UNSPECIFIED }
