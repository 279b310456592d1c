"""Drives the servers that run.sh built, interleaved, and prints Markdown.

The servers stand on core 0 and the load on core 1. A round gives each server the same time, and
ratios are taken within a round, so that a machine that gets slower does so for all. ROUNDS and
SECONDS_EACH are in the environment; names on the command line leave out the other servers.
"""

import contextlib
import json
import os
import platform
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from servers import CORE_OF_LOAD, Request, Server, servers

ROUNDS = int(os.environ.get("ROUNDS", "7"))
SECONDS = int(os.environ.get("SECONDS_EACH", "3"))
CONNECTIONS = 16
STARTS = 7
LUA = Path(__file__).parent / "call.lua"
TICKS = os.sysconf("SC_CLK_TCK")

OURS, OURS_100 = "toolgate", "toolgate, 100 tools"
RMCP, FLY, MCP_USE = "rmcp", "flymcprust", "mcp-use"


def drive(server: Server, request: Request, connections: int, seconds: int) -> dict:
    """Loads one server, and says what it did, what a call cost it, and how busy the load was."""
    before, began, load = server.cpu_ticks(), time.monotonic(), children_cpu()
    # It is on this process's core.
    wrk = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(LUA), server.url]
    out = subprocess.run(
        wrk,
        env={**os.environ, "REQUEST": str(request.file)},
        capture_output=True,
        text=True,
        timeout=seconds + 30,
        check=True,
    )
    seen = json.loads(out.stdout.strip().splitlines()[-1])
    if seen["faults"] or not seen["calls"]:
        raise SystemExit(f"{server.name}: {seen['faults']} of {seen['calls']} replies are wrong")
    spent = [(now - then) / TICKS for then, now in zip(before, server.cpu_ticks())]
    return {
        "rate": seen["calls"] / seen["seconds"],
        "user": spent[0] * 1e6 / seen["calls"],
        "kernel": spent[1] * 1e6 / seen["calls"],
        "p50": seen["p50"],
        "p99": seen["p99"],
        "load": (children_cpu() - load) / (time.monotonic() - began),
    }


def children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rounds(all_servers: list[Server], requests: dict[str, Request]) -> dict[str, list[dict]]:
    """The interleaved rounds, of which the first warms up and is forgotten."""
    seen = {server.name: [] for server in all_servers}
    for number in range(ROUNDS + 1):
        # In alternating order, so that no server always runs after the same neighbour.
        order = all_servers if number % 2 else all_servers[::-1]
        for server in order:
            row = drive(server, requests[server.name], CONNECTIONS, SECONDS if number else 1)
            if number:
                seen[server.name].append(row)
        print(f"round {number} of {ROUNDS}", file=sys.stderr)
    return seen


def median(rows: list[dict], column: str) -> float:
    return statistics.median(row[column] for row in rows)


def cpu(rows: list[dict]) -> float:
    return statistics.median(row["user"] + row["kernel"] for row in rows)


def ratio(rows: list[dict], base: list[dict]) -> float:
    return statistics.median(row["rate"] / other["rate"] for row, other in zip(rows, base))


def print_calls(all_servers: list[Server], seen: dict, requests: dict[str, Request]) -> None:
    print("\n| server | checks | era | calls/s | × rmcp | CPU µs a call | user | kernel "
          "| × rmcp by CPU | p50 ms | p99 ms | wrk busy |")
    print("|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for server in all_servers:
        rows = seen[server.name]
        of = {column: median(rows, column) for column in rows[0]}
        against = f"{ratio(rows, seen[RMCP]):.2f}" if RMCP in seen else "–"
        # What other work on the machine disturbs less.
        by_cpu = f"{cpu(seen[RMCP]) / cpu(rows):.2f}" if RMCP in seen else "–"
        print(f"| {server.label} | {server.checks} | {requests[server.name].era} "
              f"| {of['rate']:.0f} | {against} | {cpu(rows):.1f} | {of['user']:.1f} "
              f"| {of['kernel']:.1f} | {by_cpu} | {of['p50']:.3f} | {of['p99']:.3f} | {of['load']:.0%} |")


def starts(all_servers: list[Server]) -> dict[str, dict]:
    """Milliseconds to listening, and KiB resident when idle, as medians."""
    seen = {server.name: [] for server in all_servers}
    for _ in range(STARTS):
        for server in all_servers:
            with server.running() as milliseconds:
                # What start-up left to do is done by then.
                time.sleep(0.5)
                seen[server.name].append({"start": milliseconds, "idle": server.resident()})
    return {
        name: {column: median(rows, column) for column in ("start", "idle")}
        for name, rows in seen.items()
    }


def print_starts(all_servers: list[Server], seen: dict, loaded: dict[str, int]) -> None:
    print("\n| server | listens after ms | MiB idle | MiB after the rounds |")
    print("|---|--:|--:|--:|")
    for server in all_servers:
        row = seen[server.name]
        print(f"| {server.label} | {row['start']:.1f} | {row['idle'] / 1024:.1f} "
              f"| {loaded[server.name] / 1024:.1f} |")


def sse(server: Server) -> dict:
    """One connection of a session of 2025-11-25, call after call."""
    request = server.session()
    drive(server, request, 1, 1)
    rows = [drive(server, request, 1, SECONDS) for _ in range(min(ROUNDS, 3))]
    return {
        "replies": request.replies,
        "ms": statistics.median(1000 / row["rate"] for row in rows),
        "p50": median(rows, "p50"),
        "p99": median(rows, "p99"),
    }


def print_sse(seen: dict[str, dict]) -> None:
    print("\n| server | replies | ms a call | p50 ms | p99 ms |")
    print("|---|---|--:|--:|--:|")
    for label, row in seen.items():
        print(f"| {label} | {row['replies']} | {row['ms']:.3f} | {row['p50']:.3f} "
              f"| {row['p99']:.3f} |")


def print_goals(calls: dict, started: dict, streamed: dict) -> None:
    """Goals next to results; a server that was left out leaves its rows out."""
    ours = calls[OURS]
    rows = [("CPU µs a call", "at most", 10, cpu(ours))]
    for name, wanted in ((RMCP, 2.6), (FLY, 1.2), (MCP_USE, 40)):
        if name in calls:
            rows.append((f"× {name}", "at least", wanted, ratio(ours, calls[name])))
    if OURS_100 in calls:
        rows.append(("100 tools against 1", "at least", 0.98, ratio(calls[OURS_100], ours)))
    if OURS in streamed:
        rows.append(("SSE, ms a call", "at most", 0.1, streamed[OURS]["ms"]))
    rows.append(("listens after ms", "at most", 15, started[OURS]["start"]))
    rows.append(("MB idle", "at most", 10, started[OURS]["idle"] * 1024 / 1e6))
    print("\n| toolgate | goal | seen | |")
    print("|---|--:|--:|---|")
    for what, direction, wanted, got in rows:
        met = got <= wanted if direction == "at most" else got >= wanted
        print(f"| {what} | {direction} {wanted} | {got:.2f} | {'met' if met else 'missed'} |")


def chosen(target: Path, names: list[str], scratch: Path) -> list[Server]:
    known = servers(target, scratch)
    unknown = set(names) - {server.name for server in known}
    if unknown:
        raise SystemExit(f"there is no {', '.join(sorted(unknown))}: "
                         f"{', '.join(server.name for server in known)}")
    return [server for server in known if not names or server.name in names]


def main() -> None:
    # When this ends, so do the servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("one core for the servers and one for the load are needed")
    os.sched_setaffinity(0, {CORE_OF_LOAD})
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
        wanted = chosen(Path(sys.argv[1]), sys.argv[2:], Path(scratch))
        print(f"{ROUNDS} rounds of {SECONDS} s, {CONNECTIONS} connections, {platform.platform()}, "
              f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
        started = starts(wanted)
        for server in wanted:
            stack.enter_context(server.running())
        requests = {server.name: server.request() for server in wanted}
        seen = rounds(wanted, requests)
        loaded = {server.name: server.resident() for server in wanted}
        streamed = {server.name: sse(server) for server in wanted if server.name in (OURS, RMCP)}
        print_calls(wanted, seen, requests)
        print_starts(wanted, started, loaded)
        print_sse(streamed)
        if OURS in seen:
            print_goals(seen, started, streamed)


main()
