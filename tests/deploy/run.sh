#!/usr/bin/env bash
# deploy/, as far as it can be tried without a cluster and without an engine for containers. A program answers
# in an empty, read-only root as a user who owns nothing there, and ends at SIGTERM as process 1.
# Caddy leads to the replica that is ready. systemd verifies the unit, and manifests keep their schemas.
#
#   run.sh         with a debug build and the libraries that it needs
#   run.sh --all   with the static release build for musl, in an image that buildah makes
#
# It needs python3, and installs Debian's bubblewrap and Caddy (`--all`: buildah and musl-tools) as root.
source "$(dirname "${BASH_SOURCE[0]}")/../../.ci/common"

here="$tools/deploy"
mkdir -p "$here"
python_install "$here/venv" tests/deploy/requirements.txt
export PATH="$PATH:/usr/sbin"
debian_package bubblewrap bwrap
debian_package caddy caddy
install_only "$@" && exit

use_work_folder
# The stranger has to find the program in it.
chmod 755 "$work"
uid=65532

echo '-- manifests'
"$here/venv/bin/python" tests/deploy/manifests.py

program="$work/program"
if [ "${1:-}" = --all ]; then
    echo '-- static binary'
    debian_package musl-tools musl-gcc
    rustup target add x86_64-unknown-linux-musl >/dev/null
    CARGO_PROFILE_RELEASE_LTO=thin CARGO_PROFILE_RELEASE_STRIP=true \
        cargo build --quiet --release --target x86_64-unknown-linux-musl --package enterprise --features postgres,sqlite \
        --config 'profile.release.package.aws-lc-sys.opt-level=3'
    cp "$target/x86_64-unknown-linux-musl/release/enterprise" "$program"
    ! readelf --program-headers "$program" | grep INTERP || { echo 'it is linked dynamically'; exit 1; }
    size="$(stat --format=%s "$program")"
    [ "$size" -lt 30000000 ] || { echo "it has $size bytes"; exit 1; }

    echo '-- image'
    debian_package buildah buildah
    # The last stage as it is written, with files in place of the stage that compiles, so that nothing is pulled.
    mkdir -p "$work/image/data" "$work/image/config" "$work/image/etc/ssl/certs"
    cp "$program" "$work/image/program"
    cp /etc/ssl/certs/ca-certificates.crt "$work/image/etc/ssl/certs"
    sed -n '/^FROM scratch/,$p' deploy/Dockerfile | sed 's/--from=build //; s/--from=build$//' >"$work/image/Dockerfile"
    storage=(--root "$work/storage" --runroot "$work/run" --storage-driver vfs)
    buildah "${storage[@]}" build --quiet --isolation chroot --tag tools "$work/image" >"$work/buildah.log" 2>&1 ||
        { cat "$work/buildah.log"; exit 1; }
    buildah "${storage[@]}" inspect --type image tools >"$work/image.json"
    "$here/venv/bin/python" - "$work/image.json" <<'END'
import json, sys
config = json.load(open(sys.argv[1]))["OCIv1"]["config"]
assert config["User"] == "65532:65532" and config["Entrypoint"] == ["/program"], config
assert config.get("StopSignal") in (None, "SIGTERM"), config
END
    container="$(buildah "${storage[@]}" from tools)"
    rootfs="$(buildah "${storage[@]}" mount "$container")"
    files="$(cd "$rootfs" && find . -type f | sort | tr '\n' ' ')"
    [ "$files" = './etc/ssl/certs/ca-certificates.crt ./program ' ] || { echo "the image has $files"; exit 1; }
    bytes="$(du --bytes --summarize "$rootfs" | cut -f1)"
    [ "$bytes" -lt 30000000 ] || { echo "the image has $bytes bytes"; exit 1; }
    echo "an image of $((bytes / 1000000)) MB"
    cp -r "$rootfs" "$work/rootfs"
    root_of_image=(--ro-bind "$work/rootfs" /)
else
    build_programs
    cp "$target/debug/enterprise" "$program"
    root_of_image=(--ro-bind "$program" /program --ro-bind /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt)
    for library in $(ldd "$program" | grep -o '/[^ )]*'); do
        root_of_image+=(--ro-bind "$(readlink -f "$library")" "$library")
    done
fi

# stranger VARIABLE=VALUE .. [-- BWRAP_ARGUMENT ..]: the program as process 1 of a user who owns nothing, in
# the root of the image, without a shell, /proc or /dev.
stranger() {
    local variables=()
    while [ $# != 0 ] && [ "$1" != -- ]; do
        variables+=(--setenv "${1%%=*}" "${1#*=}")
        shift
    done
    [ $# = 0 ] || shift
    local user=()
    [ "$(id -u)" != 0 ] || user=(setpriv "--reuid=$uid" "--regid=$uid" --clear-groups)
    exec "${user[@]}" bwrap --unshare-all --share-net --as-pid-1 --die-with-parent --cap-drop ALL --uid "$uid" --gid "$uid" \
        "${root_of_image[@]}" "$@" --remount-ro / --clearenv "${variables[@]}" -- /program
}
# program_of PID: the program that bwrap has started.
program_of() { pgrep -P "$1" -f /program; }
# ends PID: sends SIGTERM to the program, and checks that it ends by itself.
ends() {
    kill -TERM "$(program_of "$1")"
    wait "$1" || { echo "it ended with $? at SIGTERM"; exit 1; }
}

echo '-- a stranger in an empty root'
start answers stranger TOOLGATE_HTTP=127.0.0.1:0 TOOLGATE_STORE=memory:
pid=$!
"$here/venv/bin/python" tests/deploy/call.py "$url"
ends "$pid"
# With SQLite, all that is written is in its folder, and the key in another.
mkdir "$work/data" "$work/config"
[ "$(id -u)" != 0 ] || chown "$uid" "$work/data" "$work/config"
start sqlite stranger TOOLGATE_HTTP=127.0.0.1:0 TOOLGATE_DATA=/data XDG_CONFIG_HOME=/config -- \
    --bind "$work/data" /data --bind "$work/config" /config
pid=$!
"$here/venv/bin/python" tests/deploy/call.py "$url"
ends "$pid"
ls "$work/data" | grep -q . || { echo 'there is no database'; exit 1; }

echo '-- units'
mkdir "$work/units"
cp deploy/systemd/tools.socket "$work/units"
sed "s|^ExecStart=.*|ExecStart=$program|" deploy/systemd/tools.service >"$work/units/tools.service"
if command -v systemd-analyze >/dev/null; then
    # What it says of the machine's own units is not ours.
    systemd-analyze verify --man=no "$work/units"/tools.* >"$work/verify.log" 2>&1 || { cat "$work/verify.log"; exit 1; }
    ! grep "$work/units" "$work/verify.log" || exit 1
    # 20 of 100, where 0 is safe: what is left is the network and its own files.
    systemd-analyze security --no-pager --offline=true --threshold=20 "$work/units/tools.service" >"$work/security.log" ||
        { cat "$work/security.log"; exit 1; }
    tail -n 1 "$work/security.log"
else
    echo 'There is no systemd here: its units were not verified.'
fi

echo '-- Caddy before two replicas'
port="$(free_port)"
management="$(free_port)"
proxy="$(free_port)"
keys="$(free_port)"
# On a machine that is busy, a replica may take long to say that it is ready.
sed -e 's/tools-1/127.0.0.2/; s/tools-2/127.0.0.3/' -e "s/:8080/:$port/g; s/health_port .*/health_port $management/" \
    -e 's/health_timeout .*/health_timeout 10s/' \
    deploy/compose/Caddyfile >"$work/Caddyfile"
# An issuer whose keys can be fetched, so that the replicas are ready.
issuer="http://127.0.0.1:$keys"
mkdir -p "$work/issuer/.well-known"
cat >"$work/issuer/.well-known/oauth-authorization-server" <<END
{"issuer":"$issuer","authorization_endpoint":"$issuer/a","token_endpoint":"$issuer/t","jwks_uri":"$issuer/keys.json",
"response_types_supported":["code"],"code_challenge_methods_supported":["S256"]}
END
cp "$work/issuer/.well-known/oauth-authorization-server" "$work/issuer/.well-known/openid-configuration"
# The key of RFC 7517, appendix A.1.
cat >"$work/issuer/keys.json" <<'END'
{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"1",
"x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}
END
python3 -m http.server --bind 127.0.0.1 --directory "$work/issuer" "$keys" >"$work/issuer.log" 2>&1 &
replica() {
    stranger "TOOLGATE_HTTP=$1:$port" "TOOLGATE_MANAGEMENT=$1:$management" TOOLGATE_STORE=memory: \
        TOOLGATE_TRUSTED_PROXIES=127.0.0.0/8 TOOLGATE_DRAIN_DELAY=15 \
        "ISSUER=$issuer" RESOURCE=https://tools.example/mcp
}
start replica-1 replica 127.0.0.2
first=$!
start replica-2 replica 127.0.0.3
DOMAIN="http://127.0.0.1:$proxy" HOME="$work" XDG_DATA_HOME="$work" XDG_CONFIG_HOME="$work" \
    caddy run --adapter caddyfile --config "$work/Caddyfile" >"$work/caddy.log" 2>&1 &
metadata="http://127.0.0.1:$proxy/.well-known/oauth-protected-resource/mcp"
curl --silent --fail --output /dev/null --retry 100 --retry-delay 0 --retry-max-time 120 --retry-all-errors "$metadata" ||
    { cat "$work"/{caddy,replica-*}.log; exit 1; }
# Requests go on while one of them drains and ends.
kill -TERM "$(program_of "$first")"
asked=0
while kill -0 "$first" 2>/dev/null || [ "$asked" -lt 200 ]; do
    curl --silent --fail --max-time 60 --output /dev/null "$metadata" || { echo 'a request failed'; tail -n 20 "$work"/{caddy,replica-*}.log; exit 1; }
    asked=$((asked + 1))
done
wait "$first" || { echo "it ended with $? at SIGTERM"; exit 1; }
echo "$asked requests while a replica ended"
