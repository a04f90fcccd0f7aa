-- The rules of a capped intake in Valkey's language: one script, one atomic step a call.
--
-- Keys, all under "quotalab:"
--   meta              spec
--   intakes, caps     names, in the order in which they became known
--   intake:NAME       state, caps as opened, opens_at, closes_at, granted, used, held, version
--   cap:NAME          seq, declared, lim, used, held, copied
--   over:INTAKE:      caps over all streams; over:INTAKE:STREAM  caps that name the stream
--   receipts          applicant NUL key -> kind, intake, stream, slot, reply, number, cap, at
--   holdings:INTAKE   applicant -> slot, stream, key, at;   slots:INTAKE  applicants by slot
--   tickets:INTAKE    applicant -> position, at;   first:INTAKE  when the first was issued
-- A reply is {word, number, cap, at, replayed}.

local function at(...) return 'quotalab:' .. table.concat({...}, ':') end
local call = server.call
local op = ARGV[1]

local function text(number) return string.format('%.0f', number) end

local function over(intake, stream)
  local names = call('LRANGE', at('over', intake, ''), 0, -1)
  for _, name in ipairs(call('LRANGE', at('over', intake, stream), 0, -1)) do table.insert(names, name) end
  local found, seen = {}, {}
  for _, name in ipairs(names) do
    if not seen[name] then
      seen[name] = true
      local row = call('HMGET', at('cap', name), 'seq', 'lim', 'used', 'copied')
      table.insert(found, {name = name, seq = tonumber(row[1]), lim = tonumber(row[2]),
                           used = tonumber(row[3]), copied = tonumber(row[4])})
    end
  end
  table.sort(found, function(one, other) return one.seq < other.seq end)
  return found
end

local function move(intake, stream, granted, used, held)
  local key = at('intake', intake)
  call('HINCRBY', key, 'granted', granted)
  call('HINCRBY', key, 'used', used)
  call('HINCRBY', key, 'held', held)
  call('HINCRBY', key, 'version', 1)
  for _, cap in ipairs(over(intake, stream)) do
    call('HINCRBY', at('cap', cap.name), 'used', used)
    call('HINCRBY', at('cap', cap.name), 'held', held)
  end
end

local function again(kind, intake, stream, slot, receipt)
  local kept = cjson.decode(receipt)
  if kept[1] == kind and kept[2] == intake and kept[3] == stream and kept[4] == slot then
    return {kept[5], tonumber(kept[6]), kept[7], kept[8], 1}
  end
  return {'mismatch', 0, '', kept[8], 0}
end

local function keep(name, kind, intake, stream, slot, reply, number, cap, moment)
  local kept = cjson.encode({kind, intake, stream, slot, reply, text(number), cap, moment})
  call('HSET', at('receipts'), name, kept)
end

local function claim(applicant, key, intake, stream, moment, exact, sticky, unchecked)
  local name = applicant .. '\0' .. key
  local receipt = call('HGET', at('receipts'), name)
  if receipt then return again('claim', intake, stream, '', receipt) end
  local reply, number, full = 'granted', 0, ''
  local standing = call('HMGET', at('intake', intake), 'state', 'granted')
  if standing[1] ~= 'open' then
    reply = 'closed'
  else
    local held = call('HGET', at('holdings', intake), applicant)
    if held then
      reply, number = 'duplicate', tonumber(cjson.decode(held)[1])
    else
      number = tonumber(standing[2]) + 1
      for _, cap in ipairs(over(intake, stream)) do
        local judged = exact == '1' and cap.used or cap.copied
        if judged >= cap.lim and unchecked ~= '1' and full == '' then
          reply, number, full = 'full', 0, cap.name
        end
      end
    end
  end
  if reply == 'granted' then
    call('HSET', at('holdings', intake), applicant, cjson.encode({text(number), stream, key, moment}))
    call('ZADD', at('slots', intake), number, applicant)
    move(intake, stream, 1, 1, 1)
  end
  if reply == 'granted' or sticky == '1' then
    keep(name, 'claim', intake, stream, '', reply, number, full, moment)
  end
  return {reply, number, full, moment, 0}
end

local function release(applicant, key, intake, slot, moment, back, sticky)
  local name = applicant .. '\0' .. key
  local receipt = call('HGET', at('receipts'), name)
  if receipt then return again('release', intake, '', slot, receipt) end
  local reply, number = 'unheld', 0
  local held = call('HGET', at('holdings', intake), applicant)
  local holding = held and cjson.decode(held)
  if holding and (slot == '' or holding[1] == slot) then
    reply, number = 'released', tonumber(back)
    call('HDEL', at('holdings', intake), applicant)
    call('ZREM', at('slots', intake), applicant)
    move(intake, holding[2], 0, -number, -1)
  end
  if reply == 'released' or sticky == '1' then
    keep(name, 'release', intake, '', slot, reply, number, '', moment)
  end
  return {reply, number, '', moment, 0}
end

local function announce(intake, caps, opens_at, closes_at)
  local key = at('intake', intake)
  local state = call('HGET', key, 'state')
  if not state then
    call('RPUSH', at('intakes'), intake)
    call('HSET', key, 'state', 'announced', 'granted', 0, 'used', 0, 'held', 0, 'version', 0)
  end
  call('HSET', key, 'opens_at', opens_at, 'closes_at', closes_at)
  if not state or state == 'announced' then call('HSET', key, 'caps', caps) end
  call('HINCRBY', key, 'version', 1)
  return {'done', 0, '', '0', 0}
end

local function open(intake, caps, each_declared)
  local said = function(word) return {word, 0, '', '0', 0} end
  local key = at('intake', intake)
  local standing = call('HMGET', key, 'state', 'caps')
  if standing[1] == 'closed' then return said('closed') end
  if standing[1] == 'open' then return said(standing[2] == caps and 'done' or 'mismatch') end
  local declared = cjson.decode(each_declared)
  local new = {}
  for number, cap in ipairs(cjson.decode(caps)) do
    local before = call('HGET', at('cap', cap[1]), 'declared')
    if before and before ~= declared[number] then return said('mismatch') end
    if not before then
      table.insert(new, {cap, declared[number]})
      for _, pair in ipairs(cap[3]) do
        local state = call('HGET', at('intake', pair[1]), 'state')
        if state and state ~= 'announced' then return said('mismatch') end
      end
    end
  end
  if not standing[1] then announce(intake, caps, '', '') end
  call('HSET', key, 'state', 'open', 'caps', caps)
  call('HINCRBY', key, 'version', 1)
  for _, each in ipairs(new) do
    local cap = each[1]
    local seq = call('RPUSH', at('caps'), cap[1])
    call('HSET', at('cap', cap[1]), 'seq', seq, 'declared', each[2], 'lim', text(cap[2]),
         'used', 0, 'held', 0, 'copied', 0)
    for _, pair in ipairs(cap[3]) do call('RPUSH', at('over', pair[1], pair[2]), cap[1]) end
  end
  return said('done')
end

-- The caps over an intake, whatever their streams, in declared order.
local function touching(intake)
  local found = {}
  for _, name in ipairs(call('LRANGE', at('caps'), 0, -1)) do
    local row = call('HMGET', at('cap', name), 'declared', 'lim', 'used', 'held', 'copied')
    for _, pair in ipairs(cjson.decode(row[1])[1][3]) do
      if pair[1] == intake then table.insert(found, {name, row}) break end
    end
  end
  return found
end

local function manage(what, intake, cap, limit)
  local key = at('intake', intake)
  if call('HGET', key, 'state') ~= 'open' then return {'closed', 0, '', '0', 0} end
  if what == 'set-cap' then
    local is_over = false
    for _, each in ipairs(touching(intake)) do is_over = is_over or each[1] == cap end
    if not is_over then return {'mismatch', 0, '', '0', 0} end
    call('HSET', at('cap', cap), 'lim', limit)
  elseif what == 'refresh' then
    for _, each in ipairs(touching(intake)) do call('HSET', at('cap', each[1]), 'copied', each[2][3]) end
  else
    call('HSET', key, 'state', 'closed')
  end
  call('HINCRBY', key, 'version', 1)
  return {'done', 0, '', '0', 0}
end

local FIELDS = {'state', 'granted', 'used', 'held', 'version', 'opens_at', 'closes_at', 'caps'}

local function figures(intake)
  local row = call('HMGET', at('intake', intake), unpack(FIELDS))
  if not row[1] then return {} end
  local caps = {}
  for _, each in ipairs(touching(intake)) do table.insert(caps, each[2]) end
  return {row, caps}
end

local function schedule()
  local found = {}
  for _, name in ipairs(call('LRANGE', at('intakes'), 0, -1)) do
    table.insert(found, {name, call('HMGET', at('intake', name), 'caps', 'opens_at', 'closes_at', 'state')})
  end
  return found
end

local function holders(intake, after, limit)
  local found = {}
  local names = call('ZRANGEBYSCORE', at('slots', intake), '(' .. after, '+inf', 'LIMIT', 0, limit)
  for _, name in ipairs(names) do
    table.insert(found, {name, call('HGET', at('holdings', intake), name)})
  end
  return found
end

local function ticket(intake, applicant, moment, issue)
  local found = call('HGET', at('tickets', intake), applicant)
  if not found then
    if issue ~= '1' then return {} end
    call('SETNX', at('first', intake), moment)
    found = cjson.encode({text(call('HLEN', at('tickets', intake)) + 1), moment})
    call('HSET', at('tickets', intake), applicant, found)
  end
  local place = cjson.decode(found)
  return {place[1], place[2], call('GET', at('first', intake))}
end

local function adopt(spec)
  if call('HGET', at('meta'), 'spec') == spec then return 1 end
  for _, each in ipairs(schedule()) do
    if each[2][4] ~= 'announced' then return 0 end
  end
  call('HSET', at('meta'), 'spec', spec)
  return 1
end

local function reset()
  for _, key in ipairs(call('KEYS', at('*'))) do
    if key ~= at('meta') then call('DEL', key) end
  end
  return 1
end

local a = {unpack(ARGV, 2)}
if op == 'claim' then return claim(unpack(a)) end
if op == 'release' then return release(unpack(a)) end
if op == 'read' then return call('HGET', at('intake', a[1]), 'used') end
if op == 'open' then return open(unpack(a)) end
if op == 'announce' then return announce(unpack(a)) end
if op == 'figures' then return figures(unpack(a)) end
if op == 'schedule' then return schedule() end
if op == 'holders' then return holders(unpack(a)) end
if op == 'asked' then return call('HGET', at('receipts'), a[1] .. '\0' .. a[2]) end
if op == 'ticket' then return ticket(unpack(a)) end
if op == 'adopt' then return adopt(unpack(a)) end
if op == 'spec' then return call('HGET', at('meta'), 'spec') end
if op == 'begin' then call('HSETNX', at('meta'), 'spec', a[1]) return call('HGET', at('meta'), 'spec') end
if op == 'reset' then return reset() end
return manage(op, unpack(a))
