-- Changes the data of a session that is alive.
--
-- Arguments  1 op; from 2 on the changes
-- Reply      { `done` or `conflict`, the record's fields and values ... }, or { `ended` },
--            { `toolarge` }: nothing was changed
-- Idempotent by op, until the next commit.
local record = read(KEYS[1])
if not is_live(record) then
    return { 'ended' }
end
if record.op == ARGV[1] then
    return flat('done', record)
end
local before = {}
for name, value in pairs(record) do
    before[name] = value
end
local why_not = change(record, 2)
if why_not == 'conflict' then
    return flat('conflict', before)
elseif why_not then
    return { why_not }
end
record.op = ARGV[1]
record.seen = int(math.max(tonumber(record.seen), now))
local fields = { 'op', record.op, 'seen', record.seen }
for i = 2, #ARGV, 4 do
    local name = 'f:' .. ARGV[i]
    if record[name] then
        fields[#fields + 1] = name
        fields[#fields + 1] = record[name]
    end
end
redis.call('HSET', KEYS[1], unpack(fields))
for i = 2, #ARGV, 4 do
    local name = 'f:' .. ARGV[i]
    if not record[name] then
        redis.call('HDEL', KEYS[1], name)
    end
end
expire(KEYS[1], record)
return flat('done', record)
