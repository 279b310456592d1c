"""What the macros cost those who use them: 400 tools of three arguments, with each of three SDKs.

    python3 benches/compile/run.py [NAME ..]

Each crate is generated below the target folder, its dependencies are built, and then it alone is
built again: CPU seconds of cargo and rustc, macros at work included, as medians of REPEATS. The
macro crate itself is built once for a project, and has a separate column.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from crates import CRATES, Crate

TOOLS = 400
REPEATS = int(os.environ.get("REPEATS", "3"))
ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "cost"
GOALS = {"check": 1.0, "release": 8.0, "lines": 45}


def cargo(crate: Path, *arguments: str, **environment: str) -> tuple[float, str]:
    """CPU seconds of the command and of all that it starts, and what it prints."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run(
        ["cargo", *arguments],
        cwd=crate,
        env={
            **os.environ,
            "CARGO_TARGET_DIR": str(TARGET),
            # Else a second build would find the first one's work.
            "CARGO_INCREMENTAL": "0",
            **environment,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        timeout=3600,
        check=False,
    )
    if out.returncode:
        raise SystemExit(f"`cargo {' '.join(arguments)}` failed in {crate}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent, out.stdout


def written(crate: Crate, tools: int, macros: bool = True) -> Path:
    """The crate's folder, with so many tools; without macros only their functions are left."""
    folder = TARGET / "crates" / crate.name
    (folder / "src").mkdir(parents=True, exist_ok=True)
    manifest = f"""[package]
name = "cost-{crate.name}"
version = "0.0.0"
edition = "2024"

[dependencies]
{crate.dependencies(ROOT)}
[workspace]
"""
    write(folder / "Cargo.toml", manifest)
    # The versions that the comparison has, too.
    if not (folder / "Cargo.lock").exists():
        shutil.copy(ROOT / crate.lock, folder / "Cargo.lock")
    source = crate.source(tools) if macros else crate.functions(tools)
    write(folder / "src" / "lib.rs", source)
    return folder


def write(file: Path, text: str) -> None:
    if not file.exists() or file.read_text() != text:
        file.write_text(text)


def alone(folder: Path, *command: str) -> float:
    """CPU seconds of the crate's own build: what it depends on has been built."""
    cargo(folder, *command)
    spent = []
    for _ in range(REPEATS):
        (folder / "src" / "lib.rs").touch()
        spent.append(cargo(folder, *command)[0])
    return statistics.median(spent)


def lines(crate: Crate) -> float:
    """Expanded lines that a tool adds to its function."""
    wrapper = TARGET / "crates" / "wrapper"
    wrapper.write_text('#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec "$@"\n')
    wrapper.chmod(0o755)

    def expanded(tools: int, macros: bool) -> int:
        folder = written(crate, tools, macros)
        command = ["rustc", "--quiet", "--lib", "--profile", "check"]
        # For the crate alone: with the variable all its dependencies would be rebuilt.
        unstable = {"RUSTC_WORKSPACE_WRAPPER": str(wrapper)}
        _, out = cargo(folder, *command, "--", "-Zunpretty=expanded", **unstable)
        return len(out.splitlines())

    def a_tool(macros: bool) -> float:
        # The difference leaves out what stands once: imports, the provider, the impl block.
        return (expanded(TOOLS, macros) - expanded(TOOLS // 2, macros)) / (TOOLS // 2)

    return a_tool(macros=True) - a_tool(macros=False)


def macro_crate(crate: Crate, folder: Path) -> float:
    """CPU seconds of building the macro crate, once for a project."""
    cargo(folder, "build", "--quiet", "-p", crate.macros)
    cargo(folder, "clean", "--quiet", "-p", crate.macros)
    return cargo(folder, "build", "--quiet", "-p", crate.macros)[0]


def main() -> None:
    wanted = [crate for crate in CRATES if not sys.argv[1:] or crate.name in sys.argv[1:]]
    print(f"{TOOLS} tools of three arguments, CPU seconds, median of {REPEATS}\n")
    print("| SDK | scopes | `cargo check` | release build | expanded lines a tool | macro crate |")
    print("|---|--:|--:|--:|--:|--:|")
    for crate in wanted:
        folder = written(crate, TOOLS)
        row = {
            "check": alone(folder, "check", "--quiet"),
            "release": alone(folder, "build", "--quiet", "--release"),
            "lines": lines(crate),
        }
        macros = macro_crate(crate, folder)
        print(f"| {crate.name} | {crate.scopes} | {row['check']:.2f} | {row['release']:.1f} "
              f"| {row['lines']:.0f} | {macros:.1f} |", flush=True)
        if crate.name == "toolgate":
            ours = row
    if any(crate.name == "toolgate" for crate in wanted):
        goals = " | ".join(f"≤ {goal}" for goal in GOALS.values())
        print(f"| goal | | {goals} | |")
        missed = [what for what, goal in GOALS.items() if ours[what] > goal]
        print(f"\ntoolgate misses: {', '.join(missed)}" if missed else "\ntoolgate meets them all")


main()
