#!/usr/bin/env bash
# What a crash costs, on PostgreSQL and SQLite: four processes of which one is ended each second while 40
# people make 10,000 calls, and 500 kills at random steps of a refresh, a consent, a disconnection and a
# migration. It prints the tables of docs/operations.md, and takes about a quarter of an hour.
# --sample: a minute of it. --seed N: the kills of an earlier run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
# As the other tests are built, so that nothing is compiled twice.
cargo test --workspace --test integration --no-run -q
exec "${CARGO_TARGET_DIR:-target}/debug/crashes" "$@"
