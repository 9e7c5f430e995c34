-- Ends one login.
--
-- Arguments   subject key; login; login key
-- Reply       outcome `new` or `already`; until when the entry is kept, in ms; lane and name of the
--             session that was listed for it, or nothing
-- Idempotent by the login's key.
local is_new, untl, entry = end_login(arg(1), arg(2), arg(3))
local outcome = is_new and 'new' or 'already'
if entry and entry.hash then
    return reply(outcome, int(untl), int(entry.lane), entry.hash)
end
return reply(outcome, int(untl))
