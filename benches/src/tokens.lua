-- For wrk: another token with each request. Argument: a file of tokens, one a line.
local heads, next_one = {}, 0

function init(args)
  for token in io.lines(args[1]) do
    heads[#heads + 1] = "GET / HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer " .. token .. "\r\n\r\n"
  end
end

function request()
  next_one = next_one % #heads + 1
  return heads[next_one]
end
