"""Shows what worker threads do to a call: a lock that all calls take would cost more with each.

    bash benches/peers/run.sh --workers

The server has 1, 2, 4 and 8 worker threads, and so many times 16 connections; it may use every core,
which the load shares with it. `futex` is the system call of a lock for which a thread waits, and of a
worker that sleeps or is woken: it is counted by `strace`, in a run of its own, where that is installed.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from compare import CONNECTIONS, OURS, OURS_BROKER, ROUNDS, SECONDS, drive
from servers import CORE_OF_LOAD, Request, Server, servers

WORKERS = (1, 2, 4, 8)


def futexes(server: Server, request: Request, connections: int) -> float | None:
    """Calls of `futex` for a thousand calls of the tool."""
    if shutil.which("strace") is None:
        return None
    assert server.process is not None
    counts = Path(tempfile.mkstemp()[1])
    tracer = subprocess.Popen(
        ["strace", "-f", "-c", "-e", "trace=futex", "-o", str(counts), "-p", str(server.process.pid)],
        stderr=subprocess.DEVNULL,
    )
    calls = drive(server, request, connections, 2)["calls"]
    tracer.terminate()
    tracer.wait()
    rows = [line.split() for line in counts.read_text().splitlines()]
    counts.unlink()
    # The columns are time, seconds, time a call, and calls.
    return sum(int(row[3]) for row in rows if row and row[-1] == "futex") * 1000 / calls


def main() -> None:
    every_core = tuple(range(os.cpu_count() or 1))
    os.sched_setaffinity(0, {CORE_OF_LOAD})
    with tempfile.TemporaryDirectory() as scratch:
        print("| server | era | workers | connections | calls/s | CPU µs a call | futexes, 1000 calls |")
        print("|---|---|--:|--:|--:|--:|--:|")
        ours = [server for server in servers(Path(sys.argv[1]), Path(scratch))
                if server.name in (OURS, OURS_BROKER)]
        for server in ours:
            for workers in WORKERS:
                server.workers, server.cores = workers, every_core
                with server.running():
                    for request in (server.request(), server.session()):
                        connections = CONNECTIONS * workers
                        rows = [drive(server, request, connections, SECONDS)
                                for _ in range(min(ROUNDS, 3))]
                        cpu = statistics.median(row["user"] + row["kernel"] for row in rows)
                        rate = statistics.median(row["rate"] for row in rows)
                        waits = futexes(server, request, connections)
                        shown = "–" if waits is None else f"{waits:.1f}"
                        print(f"| {server.label} | {request.era} | {workers} | {connections} "
                              f"| {rate:.0f} | {cpu:.1f} | {shown} |", flush=True)


main()
