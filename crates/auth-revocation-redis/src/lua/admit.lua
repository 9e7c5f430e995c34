-- Lets a login in: checks, limit, list and, for a token login, its record.
--
-- Arguments   1 login; 2 login key; 3 subject key; 4 kind; 5 device or empty; 6 absolute limit, ms;
--             7 the version it must still be, or empty; 8 how many logins there may be, or empty;
--             9 `end` or `refuse`, for one too many; 10 whether to act on the limit (1), or only to
--             say that it is reached (0); 11, 12 lane and name of its session, or empty; 13 op;
--             14 logins that are known to be over, a JSON array; 15 the token login, JSON, or empty
-- Reply       outcome `yes`, its version, whether it is new (1), then of each login ended for it:
--             login, login key, until (ms), lane and name of its session or empty twice;
--             or `moved`, `toomany`, `check`: nothing was changed
-- Idempotent by op.
local login, login_key, subject, op = arg(1), arg(2), arg(3), arg(13)
local list, entries = key('i', subject), key('e', subject)

local there = entry_of(subject, login)
if there and there.op == op then
    again()
    local answer = reply('yes', int(there.ver), 0)
    for _, one in ipairs(there.ended or {}) do
        for i = 1, 5 do
            answer[#answer + 1] = one[i]
        end
    end
    return answer
end
local kept = redis.call('HMGET', refresh_key(login), 'op', 'ver')
if kept[1] == op then
    return reply('yes', kept[2], 0)
end

local ver = version(subject)
-- A login that was ended can not come in again, a late repetition of its start either.
if (arg(7) ~= '' and tonumber(arg(7)) ~= ver) or is_ended(login_key) then
    return reply('moved')
end

local function is_over(entry)
    if entry.kind == 'token' then
        local its = redis.call('HMGET', refresh_key(entry.login), 'seen', 'idle', 'end', 'ver')
        return not its[3]
            or now >= refresh_expires_at(its[1], its[2], its[3])
            or is_revoked(subject, entry.lk, tonumber(its[4]))
    end
    if now >= entry['end'] + PENDING_FOR then
        return true
    end
    -- Without a session it is no login, but a note: what is revoked is not what it says.
    return entry.lane ~= nil and is_revoked(subject, entry.lk, entry.ver)
end

local over, others = {}, {}
for _, one in ipairs(cjson.decode(arg(14))) do
    over[one] = true
end
-- Without a limit, a long list is still tidied up every now and then.
if arg(8) ~= '' or redis.call('ZCARD', list) % 32 == 31 then
    for _, one in ipairs(redis.call('ZRANGE', list, 0, -1)) do
        local entry = entry_of(subject, one)
        if not entry or over[one] or is_over(entry) then
            over[one] = true
        elseif one ~= login then
            others[#others + 1] = entry
        end
    end
end

local too_many = 0
if arg(8) ~= '' then
    too_many = #others + 1 - tonumber(arg(8))
    if too_many > 0 and arg(10) == '0' then
        return reply('check')
    elseif too_many > 0 and arg(9) == 'refuse' then
        return reply('toomany')
    end
end

for i = 1, too_many do
    redis.call('EXISTS', refresh_key(others[i].login))
end
local ended = {}
for i = 1, too_many do
    local one = others[i]
    local _, untl = end_login(subject, one.login, one.lk)
    ended[i] = { one.login, one.lk, int(untl), one.lane and int(one.lane) or '', one.hash or '' }
end

local absolute_end = now + math.min(tonumber(arg(6)), MAX_LIFETIME)
local entry = {
    login = login,
    lk = login_key,
    kind = arg(4),
    created = now,
    ver = ver,
    op = op,
    moves = 0,
}
entry['end'] = absolute_end
if arg(5) ~= '' then
    entry.device = string.sub(arg(5), 2)
end
if arg(11) ~= '' then
    entry.lane = tonumber(arg(11))
    entry.hash = arg(12)
end
if #ended > 0 then
    entry.ended = ended
end
redis.call('HSET', entries, login, cjson.encode(entry))
for one in pairs(over) do
    if one ~= login then
        unlist(subject, one)
    end
end
redis.call('ZREM', list, login)
while redis.call('ZCARD', list) >= 1000 do
    unlist(subject, redis.call('ZRANGE', list, 0, 0)[1])
end
local newest = redis.call('ZRANGE', list, -1, -1, 'WITHSCORES')
redis.call('ZADD', list, int(math.max(now, tonumber(newest[2] or '0') + 1)), login)
local gone_at = absolute_end + ENTRY_MARGIN
for _, one in ipairs({ list, entries }) do
    if redis.call('PTTL', one) < gone_at - now then
        redis.call('PEXPIREAT', one, int(gone_at))
    end
end

if arg(15) ~= '' then
    local start = cjson.decode(arg(15))
    local record_key = refresh_key(login)
    local fields = {
        'subject', start.subject, 'sk', subject, 'lk', login_key, 'op', op,
        'scopes', start.scopes, 'auth', start.auth or int(now),
        'created', int(now), 'seen', int(now), 'end', int(absolute_end), 'ver', int(ver),
        'gen', '1', 'cur', start.hash, 'rotated', int(now),
    }
    for _, name in ipairs({ 'client', 'claims', 'idle', 'device' }) do
        if start[name] then
            fields[#fields + 1] = name
            fields[#fields + 1] = start[name]
        end
    end
    redis.call('DEL', record_key)
    redis.call('HSET', record_key, unpack(fields))
    local stop = refresh_expires_at(now, start.idle, absolute_end)
    redis.call('PEXPIREAT', record_key, int(stop + PENDING_FOR))
end

local answer = reply('yes', int(ver), 1)
for _, one in ipairs(ended) do
    for i = 1, 5 do
        answer[#answer + 1] = one[i]
    end
end
return answer
