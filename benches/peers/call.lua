-- For wrk: sends the request in the file that REQUEST names, a line for each header, an empty one,
-- and the body. Looks at every reply, and prints the figures as one line of JSON.

local file = assert(io.open(os.getenv("REQUEST")))
for line in file:lines() do
   if line == "" then break end
   local name, value = line:match("^([^:]+): (.*)$")
   wrk.headers[name] = value
end
wrk.method = "POST"
wrk.body = file:read("*a")
file:close()

local workers = {}

function setup(worker)
   table.insert(workers, worker)
end

function init()
   faults = 0
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
