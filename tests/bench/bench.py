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

KERNEL = BUILD / "kernel/cavern.elf"
SOURCES = HERE.parent.parent / "kernel"
WORSE = 1.02
CROWDS = (1, 100, 10_000)
FLAT = 5  # percent at most, from the least crowd to the others


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


def bench_machine(bootargs="", cpus=1):
    disk = BUILD / "ramdisk/initrd-bench.tar"
    return Machine(initrd=disk, memory="1G", cpus=cpus, icount=True, bootargs=f"pmu seed=1 {bootargs}".strip())


def baseline_file(cpus=1):
    return HERE / ("baseline.json" if cpus == 1 else f"baseline-{cpus}.json")


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def counts_of(machine):
    """What the bench says, a line `bench ROW INSTRUCTIONS USER` for each row: {row: (instructions, user)}."""
    said = last_words(machine)
    counts = {name: (int(count), int(user)) for name, count, user in re.findall(r"\bbench (\w+) (\d+) (\d+)\s", said)}
    if "request_reply_using_vectors" not in counts:  # the last one
        sys.exit(f"bench: counts are missing; the machine said:\n{said}")
    return counts


def count_operations(rows):
    for name, (count, user) in counts_of(bench_machine()).items():
        row = rows[name]
        row.instructions, row.user, row.kernel = count, user, count - user


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


def rows_of_figures():
    figures = json.loads((HERE / "figures.json").read_text())
    return {name: Row(**figure) for name, figure in figures.items() if name}


def percent(counts):
    """By how much the greatest is above the first."""
    return 100 * max(counts) / counts[0] - 100


def grown(rows, counts):
    """Which rows cost more in a crowd, a line each; counts: {row: one for each crowd}."""
    for name, row in counts.items():
        if percent(row) > FLAT:
            yield f"{rows[name].operation}: {max(row):,}, {percent(row):.0f} % more than {row[0]:,}"


def measure_growth(path):
    """1 if a row is not flat. path: of a file for the counts, or None."""
    rows = rows_of_figures()
    said = [counts_of(bench_machine(f"crowd={crowd}")) for crowd in CROWDS]
    counts = {name: [crowd[name][0] for crowd in said] for name in said[0]}
    print(f"{'operation, in a crowd of':<47}" + "".join(f"{crowd:>12,}" for crowd in CROWDS) + f"{'growth':>9}")
    for name, row in counts.items():
        print(f"{rows[name].operation:<47}" + "".join(f"{count:>12,}" for count in row) + f"{percent(row):>7.1f} %")
    if path:
        path.write_text(json.dumps({"crowds": CROWDS, "rows": counts}, indent=2) + "\n")
    complaints = list(grown(rows, counts))
    for complaint in complaints:
        print(f"grows: {complaint}")
    return bool(complaints)


def measure():
    rows = rows_of_figures()
    count_operations(rows)
    count_prompt(rows)
    count_kernel(rows)
    return rows


def measure_cpus(options):
    """All that a machine of several CPUs executes for each row; 1 if one has become worse."""
    counts = {name: count for name, (count, _) in counts_of(bench_machine(cpus=options.cpus)).items()}
    alone = json.loads(baseline_file().read_text())["rows"]
    rows = {name: row for name, row in rows_of_figures().items() if name in counts}
    print(f"{'operation, on a machine of so many CPUs':<47}{'1':>12}{options.cpus:>12}")
    for name, row in rows.items():
        row.instructions = counts[name]
        more = 100 * row.instructions / alone[name] - 100
        print(f"{row.operation:<47}{alone[name]:>12,}{row.instructions:>12,}{more:>+7.0f} %")
    return finish(rows, options)


def judge(rows, path):
    """0 if nothing is missing, and with the tools of the baseline, the file, nothing worse."""
    missing = [row.operation for row in rows.values() if row.instructions is None]
    for operation in missing:
        print(f"missing: {operation}")
    if not path.exists():
        return bool(missing)
    baseline = json.loads(path.read_text())
    if baseline["tools"] != tools():
        print(f"not compared: the baseline is of {baseline['tools']}, this of {tools()}")
        return bool(missing)
    complaints = list(worse(rows, baseline))
    for complaint in complaints:
        print(f"worse: {complaint}")
    if complaints:
        print("bench: if that is the price of something better, --baseline makes it the new measure, scripts/check-figures --fix tells it")
    return bool(missing or complaints)


def finish(rows, options):
    path = baseline_file(options.cpus)
    if options.json:
        options.json.write_text(json.dumps({"rows": [vars(row) for row in rows.values()]}, indent=2) + "\n")
    if options.baseline:
        counts = {name: row.instructions for name, row in rows.items()}
        path.write_text(json.dumps({"tools": tools(), "rows": counts}, indent=2) + "\n")
    return judge(rows, path)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Counts the instructions of operations.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows there")
    parser.add_argument("--profile", metavar="ROW", help="show where the instructions of one row go, by function")
    parser.add_argument("--growth", action="store_true", help="count in crowds of 1, 100 and 10,000 instead")
    parser.add_argument("--cpus", type=int, default=1, metavar="N", help="count on a machine of N, whose others wait")
    parser.add_argument("--crowd", type=int, default=0, metavar="N", help="for --profile: in such a crowd")
    parser.add_argument("--baseline", action="store_true", help="make these counts the baseline")
    options = parser.parse_args()
    if options.profile:
        return profile(bench_machine(f"bench={options.profile} crowd={options.crowd}", options.cpus), options.profile)
    if options.growth:
        return measure_growth(options.json)
    if options.cpus > 1:
        return measure_cpus(options)
    rows = measure()
    print("\n".join(table(rows)))
    return finish(rows, options)


if __name__ == "__main__":
    sys.exit(main())
