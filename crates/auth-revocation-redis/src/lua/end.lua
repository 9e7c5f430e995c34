-- Deletes a session. That it has ended is remembered for a minute, so that a late repetition of what
-- made it does not make it again.
--
-- Arguments  1 the login it must be of, or empty
-- Reply      { `ended`, subject, login } if somebody was logged in, { `ended` } if not, { `absent` }
-- Idempotent.
local record = read(KEYS[1])
if not record['end'] or (ARGV[1] ~= '' and record.login ~= ARGV[1]) then
    return { 'absent' }
end
local untl = int(now + GONE_FOR)
redis.call('HSET', KEYS[1], 'ended', '1')
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'ended', '1', 'until', untl)
redis.call('PEXPIREAT', KEYS[1], untl)
return { 'ended', record.subject, record.login }
