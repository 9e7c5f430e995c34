-- Tells the list of logins where a session is now.
--
-- Arguments   subject key; login; lane, name and move count of the session
-- Reply       outcome `ok`
-- Idempotent; moves that arrive in the wrong order change nothing.
local entry = entry_of(arg(1), arg(2))
if entry and entry.moves < tonumber(arg(5)) then
    entry.lane, entry.hash, entry.moves = tonumber(arg(3)), arg(4), tonumber(arg(5))
    redis.call('HSET', key('e', arg(1)), arg(2), cjson.encode(entry))
end
return reply('ok')
