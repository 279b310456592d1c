#!/usr/bin/env bash
# The example `jupyterhub` against JupyterHub itself. It needs Python and npm, and installs
# everything below target/.
source "$(dirname "${BASH_SOURCE[0]}")/../../../.ci/common"

here="$tools/jupyterhub"
mkdir -p "$here"
python_install "$here/venv" tests/providers/jupyterhub/requirements.txt
cp tests/providers/jupyterhub/{walk.mjs,package.json,package-lock.json} "$here"
npm install --silent --no-audit --no-fund --prefix "$here"
install_only "$@" && exit

[ -n "${PROGRAMS_BUILT:-}" ] || build_programs
HUB_TOOLS="$here" EXAMPLE="$target/debug/jupyterhub" exec "$target/debug/walk"
