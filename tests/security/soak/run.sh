#!/usr/bin/env bash
# A simulated month of attacks, in some minutes: `run.sh [DAYS]`, 30 by default. A day of it is part of
# `cargo test`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
SOAK_DAYS="${1:-30}" exec timeout 1200 cargo test -p integration --test integration -- --nocapture soak::
