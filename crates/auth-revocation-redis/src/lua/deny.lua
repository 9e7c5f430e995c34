-- Denies one token.
--
-- Arguments   token key; its exp in ms; how many tokens a lane may deny
-- Reply       outcome `new`, `already` or `full`; until when the entry is kept, in ms
-- Idempotent by the token's key.
local field, untl = 't:' .. arg(1), math.min(tonumber(arg(2)), now + MAX_LIFETIME) + ENTRY_MARGIN
local known = redis.call('HGET', lane, field)
if untl <= now then
    return reply('already', int(untl))
end
if known and (tonumber(known) or untl) >= untl then
    again()
    return reply('already', int(tonumber(known) or untl))
end
if not known then
    local tokens = tonumber(redis.call('HGET', lane, 'c') or '0')
    if tokens >= tonumber(arg(3)) then
        prune()
        tokens = tonumber(redis.call('HGET', lane, 'c'))
        if tokens >= tonumber(arg(3)) then
            return reply('full')
        end
    end
    redis.call('HINCRBY', lane, 'c', 1)
end
record(field, int(untl))
return reply('new', int(untl))
