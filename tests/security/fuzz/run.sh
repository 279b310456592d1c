#!/usr/bin/env bash
# A short run of each fuzz target, on stable Rust: coverage counters do not need nightly, sanitizers
# would, and there is no unsafe code here for them to check.
#   tests/security/fuzz/run.sh [SECONDS]
source "$(dirname "${BASH_SOURCE[0]}")/../../../.ci/common"

cargo_tool cargo-fuzz
export CARGO_TARGET_DIR="$target/fuzz"

fuzz=(cargo fuzz run --fuzz-dir tests/security/fuzz --sanitizer none --dev)
use_work_folder
for name in header claims redirect_uri client_metadata two_ways; do
    cp -r "tests/security/fuzz/seeds/$name" "$work/$name"
    "${fuzz[@]}" "$name" "$work/$name" -- -max_total_time="${1:-15}" -timeout=60 -print_final_stats=1 \
        >"$work/log" 2>&1 || { tail -n 60 "$work/log"; exit 1; }
    grep -o 'Done.*' "$work/log" | sed "s/^/$name: /"
done
