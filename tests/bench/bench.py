#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Counts instructions: boots with one instruction a nanosecond, runs the bench programs and prints the table.

A program prints a line `bench NAME COUNT` for each row. The counts are guest instructions of one operation, stubs
included; they do not vary. The exit status is 1 if a row is over its limit, or missing."""

import argparse
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "scripts"))

import qemu  # noqa: E402


@dataclass
class Row:
    operation: str
    limit: int  # more is a failure now
    goal: int
    linux: str  # 6.1, Debian arm64, mitigations off, on the same emulator
    sel4: str  # 16-dev, release, fast path, on the same emulator


ROWS = {
    "request_reply": Row("request + reply between two processes, 5 words", 600, 400, "13,350", "1,412"),
}


def measure():
    """What the bench programs print, as {name: count}."""
    machine = qemu.Machine(
        initrd=qemu.BUILD / "ramdisk/initrd-test.tar", memory="1G", icount=True, bootargs="pmu"
    )
    output = io.BytesIO()
    status, reason, tail = qemu.run_commands(machine, "run bench", output, timeout=120)
    text = output.getvalue().decode(errors="replace")
    if reason or status:
        sys.exit(f"bench: {reason or f'exit status {status}'}\n{tail.decode(errors='replace') if reason else text}")
    rows = (line.split() for line in text.splitlines() if line.startswith("bench "))
    return {name: int(count) for _, name, count in rows}


def table(counts):
    yield f"{'operation':<50} {'instructions':>12} {'limit':>7} {'goal':>7} {'Linux':>8} {'seL4':>8}"
    for name, row in ROWS.items():
        count = f"{counts[name]:,}" if name in counts else "missing"
        yield f"{row.operation:<50} {count:>12} {row.limit:>7,} {row.goal:>7,} {row.linux:>8} {row.sel4:>8}"


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Counts instructions of the kernel's operations.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows there")
    options = parser.parse_args()
    counts = measure()
    unknown = counts.keys() - ROWS.keys()
    assert not unknown, f"rows without a limit: {unknown}"
    print("\n".join(table(counts)))
    if options.json:
        rows = {name: {"instructions": counts.get(name), **vars(row)} for name, row in ROWS.items()}
        options.json.write_text(json.dumps(rows, indent=2) + "\n")
    return any(counts.get(name, row.limit + 1) > row.limit for name, row in ROWS.items())


if __name__ == "__main__":
    sys.exit(main())
