#!/usr/bin/env bash
# The example `jupyterhub` against JupyterHub itself. It needs Python and npm, and installs
# everything below target/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

target="$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)"
here="$target/tools/jupyterhub"
mkdir -p "$here"
python="$here/venv/bin/python"
[ -x "$python" ] || python3 -m venv "$here/venv"
"$python" -m pip install --quiet --disable-pip-version-check -r tests/providers/jupyterhub/requirements.txt
cp tests/providers/jupyterhub/{walk.mjs,package.json,package-lock.json} "$here"
npm install --silent --no-audit --no-fund --prefix "$here"

cargo build --quiet --workspace --bins
HUB_TOOLS="$here" EXAMPLE="$target/debug/jupyterhub" exec "$target/debug/walk"
