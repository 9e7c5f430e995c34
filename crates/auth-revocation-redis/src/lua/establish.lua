-- Begins a session, or moves one to a new id.
--
-- KEYS[1]    the new record
-- KEYS[2]    the old record, if there was one; same slot
-- Arguments  1 op; 2 `keep`, `confirm`, `set` or `clear` the login; 3 whether its data stays (1 or 0);
--            4 absolute limit, ms; 5 idle limit, ms, or empty; 6 the new record's name; of the login
--            7 id, 8 subject, 9 version, 10 scopes, 11 persistent (1 or 0); from 12 on the changes
-- Reply      { `done` or `conflict`, the record's fields and values ... }, or { `again` } if the same
--            op has made it before, { `ended` }, { `toolarge` }: nothing was changed
-- Idempotent by op.
local op, mode = ARGV[1], ARGV[2]
local is_kept = mode == 'keep' or mode == 'confirm'
local there = redis.call('HGET', KEYS[1], 'born')
local old
if KEYS[2] then
    old = read(KEYS[2])
    if old.next and old.op == op then
        return { 'again' }
    end
    if not is_live(old) then
        return { 'ended' }
    end
elseif there == op then
    return { 'again' }
end
if redis.call('EXISTS', KEYS[1]) == 1 then
    return { 'ended' }
end

local record = {}
if old and (is_kept or ARGV[3] == '1') then
    for name, value in pairs(old) do
        local is_data = string.sub(name, 1, 2) == 'f:'
        if (is_data and ARGV[3] == '1') or (not is_data and is_kept) then
            record[name] = value
        end
    end
end
if old and is_kept then
    record.seen = int(math.max(tonumber(old.seen), now))
else
    record.created, record.seen = int(now), int(now)
    record['end'] = int(now + math.min(tonumber(ARGV[4]), MAX_LIFETIME))
    record.idle = ARGV[5] ~= '' and ARGV[5] or nil
end
if mode == 'set' then
    record.login, record.subject, record.ver = ARGV[7], ARGV[8], ARGV[9]
    record.auth, record.scopes, record.persistent = int(now), ARGV[10], ARGV[11]
elseif mode == 'confirm' and record.login then
    record.auth = int(math.max(tonumber(record.auth), now))
end
record.op, record.born = op, op
record.moves = int(old and tonumber(old.moves) + 1 or 0)
local why_not = change(record, 12)
if why_not == 'conflict' then
    return flat('conflict', old or record)
elseif why_not then
    return { why_not }
end

local fields = flat('done', record)
redis.call('HSET', KEYS[1], unpack(fields, 2))
expire(KEYS[1], record)
if old then
    local untl = int(now + GONE_FOR)
    redis.call('DEL', KEYS[2])
    redis.call('HSET', KEYS[2], 'next', ARGV[6], 'op', op, 'until', untl)
    redis.call('PEXPIREAT', KEYS[2], untl)
end
return fields
