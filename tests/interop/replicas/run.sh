#!/usr/bin/env bash
# A server of four replicas behind nginx, which asks them in turn without stickiness, on one PostgreSQL: the
# tests of whole calls, real clients, and widgets in other people's hosts. It needs nginx, PostgreSQL and
# what `.ci/clients` and `.ci/widgets` need.
#
#   run.sh                 all of it
#   run.sh tests [MODULE ..], run.sh clients, run.sh widgets
#                          one part
source "$(dirname "${BASH_SOURCE[0]}")/../../../.ci/common"

part="${1:-all}"
nginx_and_postgres
use_work_folder

# The modules of tests/integration whose servers are served through `integration::deployment`. The others
# keep nothing that outlives a request, or it is of one process, or they have replicas of their own:
#
#   accounts, person_addresses, stand_ins, widgets, language, two_providers, catalogue, schemas, arguments,
#   providers: a client without a socket, in the process of the server; shared_accounts has the pages
#   sessions, postgres, crashes, round_robin, admin, dumps, key_source, load: replicas, stores or
#   processes of their own
#   transports, websocket, legacy_sse, long_calls, streams, leaving, draining, connections, bodies,
#   large_messages: connections and streams, which are of one process
#   broker: its documents of clients are at a resolver of the process; brokered has the sign-ins
#   slow_and_broken, trace::refresh: how often one process asks a provider
#   gate, strangers, tolerance, habits_of_2025, proxies, below_a_path, landing, two_ways, token_exchange,
#   panics, api_of_grant: each request by itself; proofs of possession are in postgres::proofs
#   trace::gate, trace::others, watching, log_lines: what one process reports
#   inspector, dev, dev_channel, program, key_file, store_disks, store_faults: one machine
modules=(
    brokered:: call:: consent:: faults:: links:: session_streams:: shared_accounts:: step_up::
    trace::consent::
)

tests() {
    (($#)) || set -- "${modules[@]}"
    echo "-- the tests of whole calls: $*"
    : >"$work/database.log"
    "$target/debug/database" >"$work/database.log" &
    local database=$!
    until [ -s "$work/database.log" ]; do
        kill -0 "$database" || exit 1
        sleep 0.1
    done
    TOOLGATE_TEST_REPLICAS=4 TOOLGATE_TEST_DATABASE="$(head -n 1 "$work/database.log")" \
        cargo test --workspace --test integration -q -- "$@"
    kill "$database"
    wait "$database" 2>/dev/null || true
}

clients() {
    echo '-- real clients'
    bash tests/interop/clients/run.sh --replicas
}

widgets() {
    echo '-- widgets'
    for board in html react; do
        BOARD="$board" bash tests/interop/widgets/run.sh "$board" "$target/debug/four_replicas" board
    done
}

case "$part" in
    all) build_programs; tests; clients; widgets ;;
    tests | clients | widgets) build_programs; "$@" ;;
    *) echo 'tests, clients or widgets?' >&2; exit 1 ;;
esac
