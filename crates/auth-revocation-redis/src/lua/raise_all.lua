-- Refuses everything in the lane that was made so far.
--
-- Arguments   op
-- Reply       outcome `new` or `already`
-- Idempotent by op.
if redis.call('HGET', lane, 'o') == arg(1) then
    again()
    return reply('already')
end
record('e')
e = h
redis.call('HSET', lane, 'o', arg(1))
return reply('new')
