-- Records that a session was used now. Never brings one back.
--
-- Arguments  none
-- Reply      { `ok` }
-- Idempotent.
local record = read(KEYS[1])
if is_live(record) and tonumber(record.seen) < now then
    record.seen = int(now)
    redis.call('HSET', KEYS[1], 'seen', record.seen)
    expire(KEYS[1], record)
end
return { 'ok' }
