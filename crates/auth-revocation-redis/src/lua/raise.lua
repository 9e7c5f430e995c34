-- Raises the lane if it has lost something, or is not there yet; nothing else.
--
-- Arguments   none
-- Reply       outcome `ok`
-- Idempotent: a thousand nodes that notice one loss raise it once.
return reply('ok')
