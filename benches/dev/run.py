"""How long a saved file takes to be served by `cargo toolgate dev`, and where the time goes.

    python3 benches/dev/run.py        REPEATS=1 shows whether it works

Writes a project with `cargo toolgate new`, serves it with `dev`, and saves a change of a tool again and
again. The times of cargo, rustc and the linker are those of the processes, by wrappers; CPU is user and
system time of all of them, from one save to the next. What is built is below CARGO_TARGET_DIR, and the
project in a folder of its own: what is below the target's folder is not watched. Prints Markdown.
"""

import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
FOLDER = Path(tempfile.mkdtemp(prefix="toolgate-dev-bench-"))
REPEATS = int(os.environ.get("REPEATS", "10"))
# Seconds that a save may take before the measurement is given up.
SERVE_TIMEOUT = 120
SERVED = re.compile(r"Served .* after ([\d.]+) s \(build ([\d.]+) s, start ([\d.]+) s, switch ([\d.]+) s\)")

# Notes how long a program runs that takes its place.
TIMED = """#!/bin/sh
begin=$(date +%s%N)
{program} "$@"
code=$?
echo "{name} $(( $(date +%s%N) - begin ))" >>"{notes}"
exit $code
"""


def wrapper(name: str, program: str, notes: Path) -> Path:
    # Cargo runs the one of rustc with `rustc` as its argument, which must not be found here.
    path = FOLDER / ("bin" if program else "wrapper") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TIMED.format(name=name, program=program, notes=notes))
    path.chmod(0o755)
    return path


def cpu(process: int) -> float:
    """Seconds of a process, and of its children that have ended."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1].split()
    return sum(int(fields[at]) for at in (11, 12, 13, 14)) / os.sysconf("SC_CLK_TCK")


def busy() -> float:
    """Seconds that the machine has worked, over all cores."""
    user, nice, system, _, _, irq, softirq, *_ = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def noted(notes: Path) -> dict[str, float]:
    seconds = {"rustc": 0.0, "cc": 0.0}
    for line in notes.read_text().splitlines() if notes.exists() else []:
        name, nanoseconds = line.split()
        seconds[name] += int(nanoseconds) / 1e9
    return seconds


def main() -> None:
    subprocess.run(["cargo", "build", "-q", "--workspace", "--bin", "cargo-toolgate"], cwd=ROOT, check=True)
    command = [TARGET / "debug" / "cargo-toolgate", "toolgate"]
    project = FOLDER / "my-tools"
    subprocess.run([*command, "new", project, "--yes"], check=True, stdout=subprocess.DEVNULL)
    # The same versions, so that what is built serves both.
    shutil.copy(ROOT / "Cargo.lock", project)

    notes = FOLDER / "notes"
    linker = shutil.which("cc")
    wrapper("cc", linker, notes)
    environment = {
        **os.environ,
        "PATH": f"{FOLDER / 'bin'}:{os.environ['PATH']}",
        "RUSTC_WRAPPER": str(wrapper("rustc", "", notes)),
        "CARGO_TARGET_DIR": str(TARGET),
        "TOOLGATE_DATA": str(FOLDER / "data"),
    }
    dev = subprocess.Popen(
        [*command, "dev", "--no-open", "--port", "0"],
        cwd=project, env=environment, text=True, bufsize=1,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )
    source = project / "src" / "main.rs"
    text = source.read_text()
    rows = []
    try:
        deadline = time.time() + 1800
        while not any(child_name(pid) == "my-tools" for pid in children(dev.pid)):
            if time.time() > deadline or dev.poll() is not None:
                sys.exit(f"the project is not served: {dev.stderr.read() if dev.poll() is not None else ''}")
            time.sleep(0.2)
        time.sleep(1)
        for number in range(REPEATS + 1):
            notes.unlink(missing_ok=True)
            before, busy_before, began = cpu(dev.pid), busy(), time.time()
            source.write_text(text.replace("async fn who_am_i(", f"async fn who_am_i(/* {number} */", 1) + f"\n#[allow(dead_code)]\nconst SAVE: u32 = {number};\n")
            watchdog = threading.Timer(SERVE_TIMEOUT, dev.terminate)
            watchdog.start()
            lines = []
            for line in dev.stderr:
                lines.append(line)
                found = SERVED.search(line)
                if found:
                    break
            else:
                sys.exit(f"save {number} is not served:\n{''.join(lines)}")
            watchdog.cancel()
            total, build, start, switch = map(float, found.groups())
            seconds, took, own = noted(notes), time.time() - began, cpu(dev.pid) - before
            rows.append({
                "all": took,
                "noticed": total - build - start - switch,
                "cargo": build - seconds["rustc"],
                "rustc": seconds["rustc"] - seconds["cc"],
                "link": seconds["cc"],
                "start": start,
                "switch": switch,
                # The old program counts with the next save.
                "cpu": own,
                "others": max(0.0, busy() - busy_before - own) / took / os.cpu_count(),
            })
            time.sleep(0.5)
    finally:
        dev.send_signal(signal.SIGINT)
        dev.communicate(timeout=60)
        shutil.rmtree(FOLDER, ignore_errors=True)

    # The first is another state of the disk cache.
    rows = rows[1:] or rows
    median = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    spread = sorted(row["all"] for row in rows)
    print(f"\n| step | median of {len(rows)}, seconds |\n|---|--:|")
    for name, text in (
        ("noticed", "the change is noticed"),
        ("cargo", "cargo finds out what to build"),
        ("rustc", "rustc, for the project alone"),
        ("link", "linking"),
        ("start", "the new program starts, and builds its configuration"),
        ("switch", "the old one hands over, the new one accepts"),
        ("all", "**from the save to the first answer**"),
        ("cpu", "CPU of all of it"),
    ):
        print(f"| {text} | {median[name]:.2f} |")
    print(
        f"\nFrom {spread[0]:.2f} to {spread[-1]:.2f} s, on {os.cpu_count()} cores,"
        f" of which other programs took {median['others']:.0%} meanwhile."
    )


def children(parent: int) -> list[int]:
    path = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(pid) for pid in path.read_text().split()] if path.exists() else []


def child_name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


main()
