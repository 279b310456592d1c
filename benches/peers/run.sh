#!/usr/bin/env bash
# Compares this server with those of other SDKs, and prints tables. It needs Rust, python3, npm for
# the one in TypeScript, and wrk, which it installs as root where there is apt-get.
#
#     ROUNDS=7 SECONDS_EACH=3 bash benches/peers/run.sh [NAME ..]
#     bash benches/peers/run.sh --workers      # this server alone, with more and more threads
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

command -v wrk >/dev/null || {
    [[ $EUID == 0 ]] && command -v apt-get >/dev/null || { echo 'Install wrk.' >&2; exit 1; }
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq wrk; } >&2
}

target="$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)"
cargo build --quiet --profile bench --locked -p peer-toolgate
[[ ${1-} != --workers ]] || exec python3 benches/peers/workers.py "$target"
for peer in flymcprust neva rmcp turbomcp; do
    # One at a time, or the features of one would change what another is made of.
    cargo build --quiet --release --locked --manifest-path benches/peers/Cargo.toml \
        --target-dir "$target" -p "peer-$peer"
done

node="$target/tools/mcp-use"
if command -v npm >/dev/null; then
    mkdir -p "$node"
    cp benches/peers/mcp-use/{package.json,server.mjs} "$node"
    npm install --silent --ignore-scripts --no-audit --no-fund --prefix "$node"
else
    echo 'There is no npm: mcp-use is left out.' >&2
fi

exec python3 benches/peers/compare.py "$target" "$@"
