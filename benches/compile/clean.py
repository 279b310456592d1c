"""What a server costs from nothing: clean release builds of the quickstart, and of bare rmcp.

    python3 benches/compile/clean.py [--ours]      the latter without bare rmcp

All CPU seconds of cargo and what it starts, with one profile and the versions of our Cargo.lock.
Then what each direct dependency brings alone: the crates that would go with it, and their seconds.
"""

import os
import re
import resource
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "clean"
OURS = "the quickstart"
# As its users have it: rmcp's `auth` asks for tokens over https, which `reqwest` gives it.
BARE = {"bare rmcp, `auth`": ["auth"], "bare rmcp, `auth` and TLS": ["auth", "reqwest"]}

# Notes what rustc and the C compiler cost, under the name of the package that they are run for.
TIMED = """#!/bin/sh
case "$0" in *cc) cc "$@" ;; *) "$@" ;; esac
code=$?
{ echo "${CARGO_PKG_NAME:-cargo}"; times; } >"$NOTES/$$.$(basename "$0")"
exit $code
"""


def built(name: str, folder: Path, *arguments: str) -> tuple[float, dict[str, float]]:
    """CPU seconds of a clean release build, and those of each package in it."""
    target, notes = TARGET / "build", TARGET / "notes"
    for directory in (target, notes):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
    for tool in ("rustc", "cc"):
        (TARGET / tool).write_text(TIMED)
        (TARGET / tool).chmod(0o755)
    environment = {
        **os.environ,
        "CARGO_TARGET_DIR": str(target),
        "RUSTC_WRAPPER": str(TARGET / "rustc"),
        "CC": str(TARGET / "cc"),
        "NOTES": str(notes),
    }
    command = ["cargo", "build", "--release", "--quiet", *arguments]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{spent:6.0f} s  {name}", flush=True)
    packages: dict[str, float] = defaultdict(float)
    for note in notes.iterdir():
        package, *_, children = note.read_text().splitlines()
        times = re.findall(r"(\d+)m([\d.]+)s", children)
        packages[package] += sum(60 * int(minutes) + float(seconds) for minutes, seconds in times)
    shutil.rmtree(target)
    return spent, packages


def bare(features: list[str]) -> Path:
    """The folder of a server of bare rmcp, which is that of the comparison."""
    folder = TARGET / "bare"
    (folder / "src").mkdir(parents=True, exist_ok=True)
    wanted = ["macros", "server", "transport-streamable-http-server", *features]
    rmcp = f'{{ version = "3.11", default-features = false, features = {wanted} }}'
    manifest = (ROOT / "benches/peers/rmcp/Cargo.toml").read_text().replace("'", '"')
    manifest = re.sub(r"(?m)^rmcp = .*$", "rmcp = " + rmcp.replace("'", '"'), manifest)
    (folder / "Cargo.toml").write_text(manifest + "\n[workspace]\n")
    shutil.copy(ROOT / "benches/peers/rmcp/src/main.rs", folder / "src/main.rs")
    shutil.copy(ROOT / "Cargo.lock", folder / "Cargo.lock")
    return folder


def graph() -> tuple[str, dict[str, set[str]]]:
    """The package, and the names and versions of what each package of its tree needs."""
    tree = ["cargo", "tree", "-p", "toolgate", "-e", "normal,build", "--no-dedupe"]
    tree += ["--prefix", "depth", "--target", "x86_64-unknown-linux-gnu"]
    out = subprocess.run(tree, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    needs: dict[str, set[str]] = defaultdict(set)
    above: list[str] = []
    for depth, name, version in re.findall(r"(?m)^(\d+)(\S+) v(\S+)", out):
        crate = f"{name} {version}"
        above = above[: int(depth)]
        if above:
            needs[above[-1]].add(crate)
        above.append(crate)
    return above[0], needs


def reached(start: str, needs: dict[str, set[str]], without: str = "") -> set[str]:
    found, todo = {start}, [start]
    while todo:
        at = todo.pop()
        left = {crate for crate in needs[at] if (at, crate) != (start, without)} - found
        found |= left
        todo += left
    return found


def main() -> None:
    ours, packages = built(OURS, ROOT, "-p", "quickstart")
    for name, features in ({} if "--ours" in sys.argv else BARE).items():
        theirs, _ = built(name, bare(features))
        print(f"{ours / theirs:6.2f}    × {name}")
    root, needs = graph()
    everything = reached(root, needs)

    def seconds(crates: set[str]) -> float:
        # Two versions of a crate are one package here, which none of the large ones is.
        return sum(packages.get(name, 0) for name in {crate.split()[0] for crate in crates})

    alone = {crate: everything - reached(root, needs, crate) for crate in needs[root]}
    shared = everything - {root}.union(*alone.values())
    print(f"\n{len(everything)} crates, {seconds(everything):.0f} s\n")
    print("| crate | brings alone | CPU s | of which itself |\n|---|--:|--:|--:|")
    for crate, crates in sorted(alone.items(), key=lambda one: -seconds(one[1] | {one[0]})):
        brings = f"{len(crates)} | {seconds(crates):.1f}"
        print(f"| {crate.split()[0]} | {brings} | {seconds({crate}):.1f} |")
    print(f"| needed by several | {len(shared)} | {seconds(shared):.1f} | |")
    print(f"| toolgate itself | 1 | {seconds({root}):.1f} | |\n\nThe largest:")
    for name, spent in sorted(packages.items(), key=lambda one: -one[1])[:24]:
        print(f"{spent:6.1f} s  {name}")


main()
