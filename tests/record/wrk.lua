-- Numbers wrk's requests and writes what came of each to the file that the environment names.
local number, out, clock = 0, nil, nil

function init(arguments)
	out = io.open(os.getenv("WRK_LOG"), "w")
end

function request()
	number = number + 1
	return wrk.format("GET", "/plain/" .. number .. "?wait_ms=15&n=" .. (50 + number), { ["X-Id"] = tostring(number) })
end

function response(status, headers, body)
	out:write(string.format('{"id": %s, "status": %d, "response_body": %d}\n', headers["X-Id"], status, #body))
	out:flush()
end
