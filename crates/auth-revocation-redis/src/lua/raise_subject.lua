-- Ends every login of a subject made so far, but the one to keep.
--
-- Arguments   subject key; key of the login to keep, or `-`; op
-- Reply       outcome `new` or `already`; the claim: epoch, until (ms), floor, keep
-- Idempotent by op.
local subject, keep, op = arg(1), arg(2), arg(3)
local before = claim(subject)
if before and before.op == op then
    again()
    return reply('already', int(before.epoch), int(now + MAX_LIFETIME), int(before.floor), before.keep)
end
local floor = 0
if before then
    -- Kept once more: what it had to reach then is what it has to reach now.
    floor = (keep ~= '-' and before.keep == keep) and before.floor or before.epoch
end
local epoch = math.max(h + 1, now)
local untl = now + MAX_LIFETIME + ENTRY_MARGIN
local text = table.concat({ int(epoch), int(untl), int(floor), keep, op }, ' ')
record('s:' .. subject, text)
return reply('new', int(epoch), int(untl), int(floor), keep)
