-- For wrk: sends the request in the file that REQUEST names, a line for each header, an empty one,
-- and the body, each time with another JSON-RPC ID. Looks at every reply, and prints the figures as one
-- line of JSON.

local file = assert(io.open(os.getenv("REQUEST")))
for line in file:lines() do
   if line == "" then break end
   local name, value = line:match("^([^:]+): (.*)$")
   wrk.headers[name] = value
end
wrk.method = "POST"
-- As long as the number of a request, so that the head of one request is that of all: to write one
-- each time would cost the load more than all the rest.
local FIRST = 1000000
wrk.body = file:read("*a"):gsub('"id": *%d+', '"id":' .. FIRST, 1)
file:close()

local before, after
local number = FIRST

local workers = {}

function setup(worker)
   table.insert(workers, worker)
end

function init()
   faults = 0
   local request = wrk.format()
   local first, last = request:find('"id":' .. FIRST, 1, true)
   before, after = request:sub(1, first + 4), request:sub(last + 1)
end

function request()
   number = number < 9999999 and number + 1 or FIRST
   return before .. number .. after
end

function response(status, _, body)
   local answered = status == 200 and body:find('"result"', 1, true)
   if not answered or body:find('"isError":true', 1, true) then
      faults = faults + 1
   end
end

function done(summary, latency)
   local wrong = 0
   for _, worker in ipairs(workers) do
      wrong = wrong + worker:get("faults")
   end
   for _, kind in ipairs({ "connect", "read", "write", "timeout" }) do
      wrong = wrong + summary.errors[kind]
   end
   io.write(string.format(
      '{"calls": %d, "seconds": %.6f, "p50": %.3f, "p99": %.3f, "faults": %d}\n',
      summary.requests, summary.duration / 1e6,
      latency:percentile(50) / 1000, latency:percentile(99) / 1000, wrong
   ))
end
