-- What every script on a session begins with.
--
-- KEYS[1]    the session's record, `p:s:{tag}:<name>`
-- Atomicity  a script runs alone. Its first write is one that the server refuses when it is out of
--            memory, so that a refusal has changed nothing.

local MAX_LIFETIME = 34560000000
local GONE_FOR = 60000
local MAX_FIELDS, MAX_FIELD_BYTES, MAX_DATA_BYTES = 64, 16384, 65536

local function int(number)
    return string.format('%.0f', number)
end

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

local function read(record_key)
    local flat, record = redis.call('HGETALL', record_key), {}
    for i = 1, #flat, 2 do
        record[flat[i]] = flat[i + 1]
    end
    return record
end

local function expires_at(record)
    local stop = tonumber(record['end'])
    local idle = tonumber(record.idle or '')
    if idle then
        local touch = math.min(math.floor(idle / 10), 60000)
        return math.min(tonumber(record.seen) + idle + touch, stop)
    end
    return stop
end

local function is_live(record)
    return record['end'] and now < expires_at(record)
end

-- It stays a little longer than it lives, so that a list can tell "over" from "not there yet".
local function expire(record_key, record)
    redis.call('PEXPIREAT', record_key, int(expires_at(record) + GONE_FOR))
end

-- Makes the changes in ARGV from `first` on, four each: name; what to do, `set` or `remove`, with
-- `any`, `none` or `is` for what it must be now; value; expected value. Nil, or why not.
local function change(record, first)
    for i = first, #ARGV, 4 do
        local is, how = record['f:' .. ARGV[i]], ARGV[i + 1]
        if (how == 'set none' or how == 'remove none') and is then
            return 'conflict'
        elseif (how == 'set is' or how == 'remove is') and is ~= ARGV[i + 3] then
            return 'conflict'
        end
    end
    for i = first, #ARGV, 4 do
        local set = string.sub(ARGV[i + 1], 1, 3) == 'set'
        record['f:' .. ARGV[i]] = set and ARGV[i + 2] or nil
    end
    local fields, bytes = 0, 0
    for name, value in pairs(record) do
        if string.sub(name, 1, 2) == 'f:' then
            fields = fields + 1
            bytes = bytes + #name - 2 + #value
            if #value > MAX_FIELD_BYTES then
                return 'toolarge'
            end
        end
    end
    if fields > MAX_FIELDS or bytes > MAX_DATA_BYTES then
        return 'toolarge'
    end
end

local function flat(outcome, record)
    local answer = { outcome }
    for name, value in pairs(record) do
        answer[#answer + 1] = name
        answer[#answer + 1] = value
    end
    return answer
end
