#!/usr/bin/env bash
# The example `jupyterhub` against JupyterHub itself. It needs Python and npm, and installs
# everything below target/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

target="$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)"
here="$target/tools/jupyterhub"
mkdir -p "$here"
[ -x "$here/venv/bin/jupyterhub" ] || {
    python3 -m venv "$here/venv"
    "$here/venv/bin/pip" install --quiet --disable-pip-version-check jupyterhub==6.1.1
}
cp tests/jupyterhub/{walk.mjs,package.json} "$here"
npm install --silent --no-audit --no-fund --prefix "$here"

cargo build --quiet --workspace --bins
HUB_TOOLS="$here" EXAMPLE="$target/debug/jupyterhub" exec "$target/debug/walk"
