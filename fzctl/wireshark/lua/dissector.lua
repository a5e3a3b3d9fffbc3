-- The protocol, its fields, and what stands in the tree.

local PREFIX = "fzp2p."
local UNSPECIFIED = Address.ipv6("::")
local RESERVED = 7
-- What an AssignedIps of a sender can have at most: with addresses of the resource ranges, and
-- with the longest texts that addresses have.
local RANGE_PAYLOAD, LONGEST_PAYLOAD, MAX_PAYLOAD = 526, 570, 1232

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
declare_expert("reserved_bytes", "reserved bytes are not zero", expert.group.PROTOCOL, expert.severity.WARN)
declare_expert("size", "the payload is larger than a sender makes it", expert.group.PROTOCOL, expert.severity.WARN)
declare_expert("unknown_status", "a receiver takes an unknown status as not active", expert.group.PROTOCOL,
  expert.severity.WARN)
declare_expert("unused_payload", "a message without fields has a payload", expert.group.PROTOCOL,
  expert.severity.WARN)
declare_expert("outside_ranges", "an address lies outside the resource ranges", expert.group.PROTOCOL,
  expert.severity.WARN)

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
local add_value = {
  string = function(item, column, range, value) return item:add(fields[column.name], range, value) end,
  uint16 = function(item, column, range, value) return item:add(fields[column.name], range, value) end,
  ipv4 = function(item, column, range, value) return item:add(fields[column.name], range, values.address_of(value)) end,
  ipv6 = function(item, column, range, value) return item:add(fields[column.name], range, values.address_of(value)) end,
  guid = function(item, column, range, value)
    local bytes = ByteArray.new((value:gsub("-", ""))):tvb(column.label)
    item:add(fields[column.name .. "_text"], range, value)
    return item:add(fields[column.name], bytes())
  end,
}

local function add_address_expert(item, value)
  if not values.in_resource_ranges(value) then
    complain(item, "outside_ranges", value .. " lies outside the resource ranges")
  end
end

local function add_field(root, tvb, field, found)
  local checks_range = field.type.addresses ~= nil
  field.type.emit(field.columns, found, function(name, value, first, last)
    local column = declared.columns_by_name[name]
    local start = packet.CONTROL_HEADER + first - 1
    local item = add_value[column.kind](root, column, tvb(start, last - first + 1), value)
    if checks_range then add_address_expert(item, value) end
    local unknown = field.type.unknown and field.type.unknown(found)
    if unknown then
      complain(item, "unknown_status", values.quote(unknown) .. " is no status that a sender knows; it counts as "
        .. value)
    end
  end)
end

local function add_header(root, tvb, verdict)
  root:add(fields.kind, tvb(0, 1))
  local reserved = root:add(fields.reserved, tvb(1, RESERVED))
  if tvb:raw(1, RESERVED) ~= ("\0"):rep(RESERVED) then complain(reserved, "reserved_bytes") end
  if tvb:len() == packet.CONTROL_HEADER then return end
  local size = tvb:len() - packet.CONTROL_HEADER
  local payload = root:add(fields.payload, tvb(packet.CONTROL_HEADER, size))
  local kind = verdict.kind
  if not kind then return end
  if #kind.fields == 0 then
    complain(payload, "unused_payload", kind.title .. " has no payload when a sender makes it, here "
      .. size .. " bytes")
    return
  end
  local has_list = false
  for _, field in ipairs(kind.fields) do has_list = has_list or field.type.addresses ~= nil end
  if has_list and size > LONGEST_PAYLOAD and size <= MAX_PAYLOAD then
    complain(payload, "size", size .. " bytes: at most " .. LONGEST_PAYLOAD .. " with the longest addresses")
  elseif has_list and size > RANGE_PAYLOAD and size <= LONGEST_PAYLOAD then
    complain(payload, "size", size .. " bytes: at most " .. RANGE_PAYLOAD .. " with addresses of the resource ranges")
  end
end

local function info_of(verdict)
  local words = { verdict.kind and verdict.kind.title
    or verdict.number and "unknown kind " .. verdict.number or "control packet" }
  if verdict.found.domain then words[#words + 1] = verdict.found.domain.value end
  for _, field in ipairs(verdict.kind and verdict.kind.fields or {}) do
    local found = verdict.found[field.name]
    if found and field.type.text then words[#words + 1] = field.type.text(found) end
    if found and field.type.addresses then words[#words + 1] = "(" .. #found.value .. " addresses)" end
  end
  if not verdict.accepted then words[#words + 1] = "[refused: " .. verdict.reason .. "]" end
  return table.concat(words, " ")
end

-- --- one message --------------------------------------------------------------------------------

local function judge(waiting, frame, wire)
  local tvb = waiting.tvb
  local raw = tvb:len() > 0 and tvb:raw() or ""
  local reason, problem = packet.judge(waiting.start, raw, tvb:reported_len(), frame, wire)
  if reason and not (reason == "truncated" and #raw >= packet.CONTROL_HEADER) then
    return codec.verdict(nil, "unknown", nil, nil, {}, reason, problem), raw
  end
  local verdict = codec.judge(raw:byte(1), raw:sub(packet.CONTROL_HEADER + 1), dissector_prefs.dialect)
  if reason then verdict.accepted, verdict.reason, verdict.error = false, reason, problem end
  return verdict, raw
end

local function place(verdict, raw, transport, pinfo, slot)
  if pinfo.visited then return exchanges.recall(slot) end
  local found = verdict.found
  return exchanges.observe({
    frame = pinfo.number, time = pinfo.rel_ts, bytes = raw, payload = raw:sub(packet.CONTROL_HEADER + 1),
    identity = transport and transport.identity, session = transport and transport.session,
    accepted = verdict.accepted, resource = found.resource and found.resource.value,
    domain = found.domain and found.domain.value, is_answer = verdict.kind and verdict.kind.answers,
  }, slot)
end

local function time_of(seconds)
  local whole = math.floor(math.abs(seconds))
  local rest = math.floor((math.abs(seconds) - whole) * 1e9 + 0.5)
  if rest >= 1e9 then whole, rest = whole + 1, 0 end
  if seconds < 0 then whole, rest = -whole, -rest end
  return NSTime.new(whole, rest)
end

local function add_place(root, placed)
  add_generated(root, "exchange", placed.exchange.number)
  add_generated(root, "retransmission_of", placed.retransmission_of)
  add_generated(root, "response_to", placed.response_to)
  if placed.response_time then add_generated(root, "response_time", time_of(placed.response_time)) end
  if placed.is_question then add_generated(root, "response_in", placed.exchange.answer) end
end

local function learn_names(verdict, frame)
  if not verdict.accepted or not verdict.found.domain then return end
  for _, field in ipairs(verdict.kind.fields) do
    if field.type.addresses then
      for _, item in ipairs(field.type.addresses(verdict.found[field.name])) do
        names.learn(frame, item.value, values.address_of(item.value), verdict.found.domain.value)
      end
    end
  end
end

-- Everything about one message, once its whole frame is known.
--   waiting: tvb, start; frame: the frame's bytes as captured; wire: its size on the wire.
local function show(waiting, frame, wire, transport, pinfo, tree, slot)
  local verdict, raw = judge(waiting, frame, wire)
  if verdict.reason == "not_control" then return end
  local tvb = waiting.tvb
  local root = tree:add(proto, tvb())
  if verdict.number then
    add_header(root, tvb, verdict)
    for _, field in ipairs(verdict.kind and verdict.kind.fields or {}) do
      if verdict.found[field.name] then add_field(root, tvb, field, verdict.found[field.name]) end
    end
  end
  add_generated(root, "dialect", verdict.dialect)
  add_generated(root, "accepted", verdict.accepted)
  add_generated(root, "reason", verdict.reason)
  add_generated(root, "error", verdict.error)
  if not verdict.accepted then complain(root, verdict.reason, verdict.error) end
  add_generated(root, "session", transport and transport.session)
  local placed = place(verdict, raw, transport, pinfo, slot)
  if placed then add_place(root, placed) end
  if not pinfo.visited then
    if dissector_prefs.names then learn_names(verdict, pinfo.number) end
    statistics.count(slot, verdict, placed)
  end
  local info = info_of(verdict)
  root:append_text(", " .. info)
  pinfo.cols.protocol:set("FZP2P")
  pinfo.cols.info:set(info)
end

return { show = show, fields = fields, UNSPECIFIED = UNSPECIFIED }
