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

from servers import CORE_OF_LOAD, MODERN, SESSION, Request, Server, servers

ROUNDS = int(os.environ.get("ROUNDS", "7"))
SECONDS = int(os.environ.get("SECONDS_EACH", "3"))
CONNECTIONS = 16
STARTS = 7
LUA = Path(__file__).parent / "call.lua"
TICKS = os.sysconf("SC_CLK_TCK")

OURS, OURS_100, OURS_BROKER = "toolgate", "toolgate, 100 tools", "toolgate, broker"
RMCP, FLY, MCP_USE = "rmcp", "flymcprust", "mcp-use"
# A server that keeps more for its sessions is not asked for further ones.
MAX_RESIDENT_KIB = 1 << 20
# So many idle sessions are opened, and as many seconds spent on it at most.
IDLE_SESSIONS, OPENING_SECONDS = 100_000, 20
# What is loaded: a server's name and an era.
Key = tuple[str, str]


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
        "calls": seen["calls"],
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


def calls(server: Server) -> list[Request]:
    """A call of the newest era that the server speaks, and one in a session."""
    newest = server.request()
    if newest.era != MODERN or server.tools > 1:
        return [newest]
    session = server.session()
    return [newest, session] if session.session else [newest]


def rounds(loads: list[tuple[Server, Request]]) -> dict[Key, list[dict]]:
    """The interleaved rounds, of which the first warms up and is forgotten."""
    seen = {(server.name, request.era): [] for server, request in loads}
    for number in range(ROUNDS + 1):
        # In alternating order, so that no server always runs after the same neighbour.
        order = loads if number % 2 else loads[::-1]
        for server, request in order:
            row = drive(server, request, CONNECTIONS, SECONDS if number else 1)
            if number:
                seen[server.name, request.era].append(row)
        print(f"round {number} of {ROUNDS}", file=sys.stderr)
    return seen


def median(rows: list[dict], column: str) -> float:
    return statistics.median(row[column] for row in rows)


def cpu(rows: list[dict]) -> float:
    return statistics.median(row["user"] + row["kernel"] for row in rows)


def ratio(rows: list[dict], base: list[dict]) -> float:
    return statistics.median(row["rate"] / other["rate"] for row, other in zip(rows, base))


def cpu_ratio(rows: list[dict], base: list[dict]) -> float:
    """How much cheaper a call is, which other work on the machine disturbs less than the rate."""
    pairs = [(row["user"] + row["kernel"], other["user"] + other["kernel"])
             for row, other in zip(rows, base)]
    return statistics.median(other / row for row, other in pairs)


def print_calls(loads: list[tuple[Server, Request]], seen: dict[Key, list[dict]]) -> None:
    """A table of the calls of the newest era of each server, and one of those in sessions."""
    print_rows([load for load in loads if load[1].era == MODERN or load[1].session is None],
               seen, (RMCP, MODERN))
    print("\nIn a session of 2025-11-25:")
    print_rows([load for load in loads if load[1].session], seen, (RMCP, SESSION))


def print_rows(loads: list[tuple[Server, Request]], seen: dict[Key, list[dict]], base: Key) -> None:
    print("\n| server | checks | era | replies | calls/s | × rmcp | CPU µs a call | user | kernel "
          "| × rmcp by CPU | CPU, × 2026-07-28 | p50 ms | p99 ms | wrk busy |")
    print("|---|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for server, request in loads:
        rows = seen[server.name, request.era]
        of = {column: median(rows, column) for column in rows[0]}
        against = f"{ratio(rows, seen[base]):.2f}" if base in seen else "–"
        by_cpu = f"{cpu_ratio(rows, seen[base]):.2f}" if base in seen else "–"
        newest = (server.name, MODERN)
        by_era = f"{cpu_ratio(seen[newest], rows):.2f}" if newest in seen else "–"
        print(f"| {server.label} | {server.checks} | {request.era} | {request.replies} "
              f"| {of['rate']:.0f} | {against} | {cpu(rows):.1f} | {of['user']:.1f} "
              f"| {of['kernel']:.1f} | {by_cpu} | {by_era} "
              f"| {of['p50']:.3f} | {of['p99']:.3f} | {of['load']:.0%} |")


def idle(server: Server) -> dict:
    """What `initialize` costs, and how much memory the sessions that it begins keep."""
    with server.running():
        request = server.initialize()
        # What connections and buffers keep is there by then.
        rows = [drive(server, request, CONNECTIONS, 1)]
        before, opened, began = server.resident(), 0.0, time.monotonic()
        while opened < IDLE_SESSIONS and time.monotonic() - began < OPENING_SECONDS:
            rows.append(drive(server, request, CONNECTIONS, 1))
            opened += rows[-1]["calls"]
            if server.resident() > MAX_RESIDENT_KIB:
                break
        return {"cpu": cpu(rows[1:]), "opened": opened, "grown": server.resident() - before}


def print_idle(all_servers: list[Server], seen: dict[str, dict]) -> None:
    print("\n| server | CPU µs an `initialize` | sessions opened | MiB more | bytes a session |")
    print("|---|--:|--:|--:|--:|")
    for server in all_servers:
        if row := seen.get(server.name):
            print(f"| {server.label} | {row['cpu']:.1f} | {row['opened']:.0f} "
                  f"| {row['grown'] / 1024:.1f} | {row['grown'] * 1024 / row['opened']:.0f} |")


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


def single(server: Server) -> dict:
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


def print_single(seen: dict[str, dict]) -> None:
    print("\nOne connection, in a session, call after call:")
    print("\n| server | replies | ms a call | p50 ms | p99 ms |")
    print("|---|---|--:|--:|--:|")
    for label, row in seen.items():
        print(f"| {label} | {row['replies']} | {row['ms']:.3f} | {row['p50']:.3f} "
              f"| {row['p99']:.3f} |")


def print_goals(seen: dict[Key, list[dict]], started: dict, alone: dict, opened: dict) -> None:
    """Goals next to results; a server that was left out leaves its rows out."""
    newest = {name: rows for (name, era), rows in seen.items() if era == MODERN}
    sessions = {name: rows for (name, era), rows in seen.items() if era == SESSION}
    ours = newest[OURS]
    rows = [("CPU µs a call", "at most", 10, cpu(ours))]
    for name, wanted in ((RMCP, 2.6), (FLY, 1.2), (MCP_USE, 40)):
        other = newest.get(name) or sessions.get(name)
        if other:
            rows.append((f"× {name}", "at least", wanted, ratio(ours, other)))
    if OURS_100 in newest:
        rows.append(("100 tools against 1", "at least", 0.98, ratio(newest[OURS_100], ours)))
    for name, where in ((OURS, "in a session"), (OURS_BROKER, "in a session, with a broker")):
        if name not in sessions:
            continue
        rows.append((f"CPU µs a call {where}", "at most", 12, cpu(sessions[name])))
        against = cpu_ratio(newest[name], sessions[name])
        rows.append((f"CPU a call {where}, × 2026-07-28", "at most", 1.15, against))
        if RMCP in sessions:
            against = cpu_ratio(sessions[name], sessions[RMCP])
            rows.append((f"× rmcp by CPU {where}", "at least", 10, against))
    if OURS in opened:
        grown = opened[OURS]["grown"] * 1024 / opened[OURS]["opened"] * IDLE_SESSIONS / 1e6
        rows.append(("CPU µs an `initialize`", "at most", 60, opened[OURS]["cpu"]))
        rows.append((f"MB of {IDLE_SESSIONS} idle sessions", "at most", 1, grown))
    if OURS in alone:
        rows.append(("alone in a session, ms a call", "at most", 0.1, alone[OURS]["ms"]))
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
        # One with a broker begins with a sign-in.
        plain = [server for server in wanted if not server.mode]
        started = starts(plain)
        for server in wanted:
            stack.enter_context(server.running())
        loads = [(server, request) for server in wanted for request in calls(server)]
        seen = rounds(loads)
        loaded = {server.name: server.resident() for server in wanted}
        alone = {server.name: single(server) for server in plain if server.name in (OURS, RMCP)}
        stack.close()
        with_sessions = {server.name for server, request in loads if request.session}
        opened = {server.name: idle(server) for server in wanted if server.name in with_sessions}
        print_calls(loads, seen)
        print_starts(plain, started, loaded)
        print_single(alone)
        print_idle(wanted, opened)
        if any(server.name == OURS for server in wanted):
            print_goals(seen, started, alone, opened)


if __name__ == "__main__":
    main()
