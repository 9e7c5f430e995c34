-- Takes logins out of a subject's list.
--
-- Arguments   subject key; logins, one or more
-- Reply       outcome `ok`
-- Idempotent. Nothing that says whether a login is good rests on the list.
for i = 2, #ARGV - 7 do
    unlist(arg(1), arg(i))
end
return reply('ok')
