#!/usr/bin/env bash
# A short run of each fuzz target, on stable Rust: coverage counters need no nightly, only the
# sanitizers would, and there is no unsafe code here for them to look at.
#   tests/security/fuzz/run.sh [SECONDS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

target="$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)"
tools="$target/tools"
export PATH="$tools/bin:$PATH" CARGO_TARGET_DIR="$target/fuzz"
command -v cargo-fuzz >/dev/null || cargo install --locked --quiet --root "$tools" cargo-fuzz

fuzz=(cargo fuzz run --fuzz-dir tests/security/fuzz --sanitizer none --dev)
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
for name in header claims redirect_uri client_metadata two_ways; do
    cp -r "tests/security/fuzz/seeds/$name" "$work/$name"
    "${fuzz[@]}" "$name" "$work/$name" -- -max_total_time="${1:-15}" -timeout=10 -print_final_stats=1 \
        >"$work/log" 2>&1 || { tail -n 60 "$work/log"; exit 1; }
    grep -o 'Done.*' "$work/log" | sed "s/^/$name: /"
done
