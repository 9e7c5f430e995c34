-- What every script on a lane begins with: the store's clock, and the lane's state, which is raised
-- first if it has lost something that the calling node remembers.
--
-- KEYS[1]     the lane's revocations, `p:v:{tag}`. The other keys a script needs are named after it
--             and carry the same tag: all of them are in one slot. Those that the caller knows are
--             given as further keys, so that a cluster that is moving the slot runs no script where
--             only some of them are; the others are read before anything is written.
-- ARGV[1]     a fresh random id, should the lane need a new one
-- ARGV[2..5]  what the node remembers of the lane: id, e, h, n; the id is empty if nothing
-- ARGV[6]     the prefix of all keys
-- ARGV[7]     the lane's tag
-- ARGV[8..]   the arguments of the script itself
--
-- Reply       { id, e, h, n, raised (0 or 1), outcome, more of the script's own ... }
-- Atomicity   a script runs alone. Its first write is one that the server refuses when it is out of
--             memory, so that a refusal has changed nothing.

local MAX_LIFETIME = 34560000000
local ENTRY_MARGIN = 120000
local PENDING_FOR = 60000
-- The ring `r`: the fields that the last revocations wrote, the newest last. Each takes 24 bytes, as
-- `t:` and a name have; `e` is filled up with spaces.
local RING_OF = 64
local RING_WIDTH = 24

-- Integers below 2^53 as decimal text: Lua would write large ones with an exponent.
local function int(number)
    return string.format('%.0f', number)
end

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

local lane = KEYS[1]
local state = redis.call('HMGET', lane, 'id', 'e', 'h', 'n', 'f')
local id = state[1]
local e = tonumber(state[2] or '0')
local h = tonumber(state[3] or '0')
local n = tonumber(state[4] or '0')
local raised = 0

local function arg(i)
    return ARGV[7 + i]
end

local function key(kind, name)
    return ARGV[6] .. ':' .. kind .. ':{' .. ARGV[7] .. '}:' .. name
end

do
    local known, ke, kh, kn = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
    -- So is one whose clock has stepped back behind a time at which entries were forgotten: what they
    -- named may be alive again. Of the margin that they are kept for, a verifier may use half.
    local lost = not id or now + ENTRY_MARGIN / 2 < tonumber(state[5] or '0')
    if id and known ~= '' then
        if id == known then
            lost = lost or n < kn or e < ke
        else
            lost = lost or e <= kh
        end
    end
    if lost then
        id = ARGV[1]
        h = math.max(h + 1, kh + 1, now)
        e = h
        n = math.max(n, kn)
        raised = 1
        redis.call('HSET', lane, 'id', id, 'e', int(e), 'h', int(h), 'n', int(n), 'f', '0')
        -- What led to the new n is not known.
        redis.call('HDEL', lane, 'r')
    end
end

local function reply(outcome, ...)
    return { id, int(e), int(h), int(n), raised, outcome, ... }
end

-- A subject's claim: `epoch until floor keep op`.
local function claim(subject)
    local text = redis.call('HGET', lane, 's:' .. subject)
    if not text then
        return nil
    end
    local epoch, untl, floor, keep, op = string.match(text, '^(%d+) (%d+) (%d+) (%S+) (%S+)$')
    if not epoch then
        error({ err = 'UNREADABLE an entry of the lane' })
    end
    return { epoch = tonumber(epoch), floor = tonumber(floor), keep = keep, op = op }
end

local function version(subject)
    local its = claim(subject)
    return math.max(e, its and its.epoch or 0)
end

local function is_ended(login_key)
    return redis.call('HEXISTS', lane, 'l:' .. login_key) == 1
end

-- The rule, for a login of ours.
local function is_revoked(subject, login_key, ver)
    if is_ended(login_key) then
        return true
    end
    local its = claim(subject)
    if ver >= math.max(e, its and its.epoch or 0) then
        return false
    end
    return not (its and its.keep == login_key and ver >= math.max(e, its.floor))
end

-- Forgets what is past its time.
local function prune()
    local all = redis.call('HGETALL', lane)
    local tokens = 0
    for i = 1, #all, 2 do
        local kind = string.sub(all[i], 1, 2)
        local untl
        if kind == 's:' then
            untl = tonumber(string.match(all[i + 1], '^%d+ (%d+)'))
        elseif kind == 'l:' or kind == 't:' then
            untl = tonumber(all[i + 1])
        end
        -- What can not be read stays, and revokes.
        if untl and untl <= now then
            redis.call('HSET', lane, 'f', int(now))
            redis.call('HDEL', lane, all[i])
        elseif kind == 't:' then
            tokens = tokens + 1
        end
    end
    redis.call('HSET', lane, 'c', int(tokens), 'p', int(redis.call('HLEN', lane) * 2 + 64))
end

-- Records one revocation: the next number, above all before it and never below the clock. Nothing
-- else changes `n` or an entry, so that the last names of the ring are the last changes.
local function record(field, value)
    n = n + 1
    h = math.max(h + 1, now)
    local padded = field .. string.rep(' ', RING_WIDTH - #field)
    local ring = (redis.call('HGET', lane, 'r') or '') .. padded
    ring = string.sub(ring, -RING_OF * RING_WIDTH)
    redis.call('HSET', lane, 'h', int(h), 'n', int(n), 'r', ring, field, value or int(h))
    if redis.call('HLEN', lane) >= tonumber(redis.call('HGET', lane, 'p') or '64') then
        prune()
    end
end

-- A repeated revocation writes too: WAIT only counts what its own connection has written.
local function again()
    redis.call('HSET', lane, 'n', int(n))
end

local function refresh_key(login)
    return key('d', login)
end

local function refresh_expires_at(seen, idle, stop)
    if idle then
        return math.min(tonumber(seen) + tonumber(idle), tonumber(stop))
    end
    return tonumber(stop)
end

local function entry_of(subject, login)
    local text = redis.call('HGET', key('e', subject), login)
    return text and cjson.decode(text)
end

local function unlist(subject, login)
    redis.call('ZREM', key('i', subject), login)
    redis.call('HDEL', key('e', subject), login)
end

-- Ends a login: its entry among the ended ones, its refresh record, its place in the list. Returns
-- whether that is new, until when the entry is kept, and the listed entry, if there was one.
local function end_login(subject, login, login_key)
    local entry = entry_of(subject, login)
    local its = redis.call('HMGET', refresh_key(login), 'end', 'lk')
    local stop
    if its[2] == login_key then
        stop = tonumber(its[1])
    elseif entry and now >= entry.created + PENDING_FOR then
        stop = entry['end']
    end
    redis.call('EXISTS', key('i', subject))
    local latest = now + MAX_LIFETIME
    local untl = math.min(stop or latest, latest) + ENTRY_MARGIN
    local known = redis.call('HGET', lane, 'l:' .. login_key)
    local is_new = not known or (stop and (tonumber(known) or untl) < untl) or false
    if is_new then
        record('l:' .. login_key, int(untl))
    else
        untl = tonumber(known) or untl
        again()
    end
    if its[2] == login_key then
        redis.call('DEL', refresh_key(login))
    end
    unlist(subject, login)
    return is_new, untl, entry
end
