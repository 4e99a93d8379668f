#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Counts what operations cost, in guest instructions, and prints a table: boots the bench (main.c, in place of the egg)
with one instruction a nanosecond.

With the compiler and the QEMU of baseline.json the exit status is 1 if a row has become more than 2 % worse; with
others the table is all there is. It is 1 as well if a row is missing. spec/performance.md."""

import argparse
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

from guest import BUILD, Machine, last_words, shell  # noqa: E402
from profile_row import profile  # noqa: E402

BASELINE = HERE / "baseline.json"
KERNEL = BUILD / "kernel/cavern.elf"
SOURCES = HERE.parent.parent / "kernel"
WORSE = 1.02


@dataclass
class Row:
    operation: str
    goal: int | None = None
    stretch: int | None = None
    linux: int | None = None  # 6.1, Debian arm64, mitigations off
    sel4: int | None = None  # 16-dev, release, fast path
    instructions: int | None = None
    user: int | None = None
    kernel: int | None = None


def bench_machine(bootargs=""):
    disk = BUILD / "ramdisk/initrd-bench.tar"
    return Machine(initrd=disk, memory="1G", icount=True, bootargs=f"pmu seed=1 {bootargs}".strip())


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def count_operations(rows):
    """What the bench says, a line `bench ROW INSTRUCTIONS USER` for each row."""
    said = last_words(bench_machine())
    for name, count, user in re.findall(r"\bbench (\w+) (\d+) (\d+)\s", said):
        row = rows[name]
        row.instructions, row.user = int(count), int(user)
        row.kernel = row.instructions - row.user
    if rows["nop"].instructions is None:
        sys.exit(f"bench: no counts; the machine said:\n{said}")


def count_prompt(rows):
    """When the shell of the shipped system runs its first command."""
    said, _ = shell("uptime", Machine(memory="1G", icount=True, bootargs="seed=1"))
    milliseconds = re.match(r"up ([\d.]+) ms", said)
    rows["prompt"].instructions = round(float(milliseconds[1]) * 1_000_000)


def count_kernel(rows):
    """The size of its code, and the lines that are neither empty nor comment alone."""
    sizes = re.search(r"^\.text +(\d+)", output_of("llvm-size", "-A", KERNEL), re.MULTILINE)
    rows["text"].instructions = int(sizes[1])
    rows["lines"].instructions = sum(lines_of(file.read_text()) for file in SOURCES.rglob("*.[ch]"))


def lines_of(source):
    bare = re.sub(r"/\*.*?\*/", "", re.sub(r"//[^\n]*", "", source), flags=re.DOTALL)
    return sum(bool(line.strip()) for line in bare.splitlines())


def tools():
    """What the counts depend on besides the sources."""
    compiler = re.search(rb"clang version [\d.]+", KERNEL.read_bytes()) or [b"unknown"]
    emulator = re.search(r"version ([\d.]+)", output_of("qemu-system-aarch64", "--version"))
    return {"compiler": compiler[0].decode(), "qemu": emulator[1]}


def table(rows):
    def number(value):
        return "" if value is None else f"{value:,}"

    def ratio(other, count):
        return f"{other / count:.1f}" if other and count else ""

    yield (
        f"{'operation':<47} {'count':>10} {'user':>7} {'goal':>9} {'stretch':>9}   "
        f"{'Linux':>11} {'ratio':>6} {'seL4':>10} {'ratio':>6}"
    )
    for row in rows.values():
        met = " " if row.goal is None or row.instructions is None or row.instructions <= row.goal else "!"
        yield (
            f"{row.operation:<47} {number(row.instructions):>10} {number(row.user):>7} {number(row.goal):>9}{met}"
            f"{number(row.stretch):>9}   {number(row.linux):>11} {ratio(row.linux, row.instructions):>6} "
            f"{number(row.sel4):>10} {ratio(row.sel4, row.instructions):>6}"
        )


def worse(rows, baseline):
    """What has become worse, a line each."""
    for name, before in baseline["rows"].items():
        now = rows[name].instructions
        if name != "prompt" and now is not None and now > before * WORSE:  # that one is told in milliseconds
            yield f"{rows[name].operation}: {now:,}, was {before:,}"


def measure():
    figures = json.loads((HERE / "figures.json").read_text())
    rows = {name: Row(**figure) for name, figure in figures.items() if name}
    count_operations(rows)
    count_prompt(rows)
    count_kernel(rows)
    return rows


def judge(rows):
    """0 if nothing is missing, and with the tools of the baseline nothing worse."""
    missing = [row.operation for row in rows.values() if row.instructions is None]
    for operation in missing:
        print(f"missing: {operation}")
    baseline = json.loads(BASELINE.read_text())
    if baseline["tools"] != tools():
        print(f"not compared: the baseline is of {baseline['tools']}, this of {tools()}")
        return bool(missing)
    complaints = list(worse(rows, baseline))
    for complaint in complaints:
        print(f"worse: {complaint}")
    if complaints:
        print("bench: if that is the price of something better, --baseline makes it the new measure")
    return bool(missing or complaints)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Counts the instructions of operations.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows there")
    parser.add_argument("--profile", metavar="ROW", help="show where the instructions of one row go, by function")
    parser.add_argument("--baseline", action="store_true", help="make these counts the baseline")
    options = parser.parse_args()
    if options.profile:
        return profile(bench_machine(f"bench={options.profile}"), options.profile)
    rows = measure()
    print("\n".join(table(rows)))
    if options.json:
        options.json.write_text(json.dumps({"rows": [vars(row) for row in rows.values()]}, indent=2) + "\n")
    if options.baseline:
        counts = {name: row.instructions for name, row in rows.items()}
        BASELINE.write_text(json.dumps({"tools": tools(), "rows": counts}, indent=2) + "\n")
    return judge(rows)


if __name__ == "__main__":
    sys.exit(main())
