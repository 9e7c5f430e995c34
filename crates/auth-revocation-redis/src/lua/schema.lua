-- Checks the version of what is stored here, or writes it down at the first start; and that the
-- user may run every command that the other scripts run.
--
-- KEYS[1]    `p:schema`
-- KEYS[2]    a scratch key of the same slot, deleted again
-- Arguments  1 version; 2 number of lanes
-- Reply      { version, number of lanes }
-- Idempotent.
local there = redis.call('HMGET', KEYS[1], 'version', 'lanes')
if not there[1] then
    redis.call('HSET', KEYS[1], 'version', ARGV[1], 'lanes', ARGV[2])
    there = { ARGV[1], ARGV[2] }
end
redis.call('TIME')
redis.call('HSET', KEYS[2], 'a', '1', 'b', '1')
redis.call('HINCRBY', KEYS[2], 'a', 1)
redis.call('HGET', KEYS[2], 'a')
redis.call('HEXISTS', KEYS[2], 'a')
redis.call('HGETALL', KEYS[2])
redis.call('HLEN', KEYS[2])
redis.call('HDEL', KEYS[2], 'a')
redis.call('PTTL', KEYS[2])
redis.call('PEXPIREAT', KEYS[2], '1')
redis.call('EXISTS', KEYS[2])
redis.call('DEL', KEYS[2])
redis.call('ZADD', KEYS[2], '1', 'a')
redis.call('ZREM', KEYS[2], 'a')
redis.call('ZCARD', KEYS[2])
redis.call('ZRANGE', KEYS[2], 0, -1)
redis.call('DEL', KEYS[2])
return there
