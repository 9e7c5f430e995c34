-- Rotates a refresh token: the lane's revocations and the login's record in one step.
--
-- Arguments   1 login; 2 generation and 3 hash that were presented; of the successor 4 hash,
--             5 nonce and 6 key id; 7 grace, ms; 8 how long a response that may be lost
--             is given again, ms
-- Reply       outcome `advanced`, `adopted` or `replayed`, then the record's fields and values;
--             `invalid`; or `reused`, `lost` and `ahead`, then the subject, and for the first two
--             the login's key and until when its entry is kept (ms)
-- Idempotent by generation: presented again, a token gets the same successor.
local login, generation, hash = arg(1), tonumber(arg(2)), arg(3)
local record_key = refresh_key(login)
local flat = redis.call('HGETALL', record_key)
local its = {}
for i = 1, #flat, 2 do
    its[flat[i]] = flat[i + 1]
end
if not its['end']
    or now >= refresh_expires_at(its.seen, its.idle, its['end'])
    or is_revoked(its.sk, its.lk, tonumber(its.ver)) then
    return reply('invalid')
end

local function with_record(outcome)
    return reply(outcome, unpack(redis.call('HGETALL', record_key)))
end

local function over(outcome)
    local _, untl = end_login(its.sk, login, its.lk)
    return reply(outcome, its.subject, its.lk, int(untl))
end

local current = tonumber(its.gen)
local lenient = tonumber(arg(7))
if its.arrived ~= its.gen then
    lenient = math.max(lenient, tonumber(arg(8)))
end
local outcome
if generation == current then
    if hash ~= its.cur then
        return over('lost')
    end
    outcome = 'advanced'
elseif generation + 1 == current and now < tonumber(its.rotated) + lenient then
    if hash ~= its.prev then
        return over('lost')
    end
    return with_record('replayed')
elseif generation < current then
    return over('reused')
elseif generation == current + 1 then
    outcome = 'adopted'
else
    return reply('ahead', its.subject)
end

local seen = math.max(tonumber(its.seen), now)
redis.call('HSET', record_key,
    'gen', int(generation + 1), 'cur', arg(4), 'prev', hash, 'nonce', arg(5), 'kid', arg(6),
    'rotated', int(now), 'seen', int(seen), 'ver', int(version(its.sk)))
redis.call('PEXPIREAT', record_key, int(refresh_expires_at(seen, its.idle, its['end']) + PENDING_FOR))
return with_record(outcome)
