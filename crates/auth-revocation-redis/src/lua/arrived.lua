-- Notes that the client has the answer of the rotation to this generation. Brings no login back.
--
-- Arguments   1 login; 2 generation
-- Reply       outcome `ok`
-- Idempotent.
local record_key = refresh_key(arg(1))
if redis.call('HGET', record_key, 'gen') == arg(2) then
    redis.call('HSET', record_key, 'arrived', arg(2))
end
return reply('ok')
