#!/usr/bin/env bash
# A gate that trusts Glewlwyd. It needs npm and Debian's packages, which it unpacks below target/:
# installed, Glewlwyd would be started as a service.
source "$(dirname "${BASH_SOURCE[0]}")/../install.sh"

# unpack FOLDER PACKAGE ..: Debian's packages, and those that they need and that are not installed.
unpack() {
    local folder="$1" archive
    shift
    rm -rf "$folder" "$folder.new" && mkdir -p "$folder.new/archives/partial"
    (
        flock 9
        [ "$(id -u)" != 0 ] || apt-get update -qq
        apt-get install -qq -y --no-install-recommends --download-only -o Debug::NoLocking=1 \
            -o Dir::Cache::archives="$folder.new/archives" "$@"
    ) 9>"$tools/apt.lock" >&2
    for archive in "$folder.new"/archives/*.deb; do
        dpkg-deb --extract "$archive" "$folder.new"
    done
    mv "$folder.new/archives/$1"_*.deb "$folder.new/$1.deb"
    rm -r "$folder.new/archives"
    find "$folder.new" -name '*.so.*' -printf '%h\n' | sort -u | sed "s#^$folder.new#$folder#" | paste -sd: >"$folder.new/libraries"
    mv "$folder.new" "$folder"
}

install_judge glewlwyd
[ -d "$here/root" ] || unpack "$here/root" glewlwyd dbconfig-no-thanks
install_only "$@" && exit
judge glewlwyd
