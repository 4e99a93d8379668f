#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Counts instructions: boots the bench (main.c, in place of the egg) with one instruction a nanosecond, and prints a table.

It writes a line `bench NAME COUNT` for each row. The counts are guest instructions of one operation, stubs
included; they do not vary. The exit status is 1 if a row is over its limit, or missing."""

import argparse
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from guest import BUILD, Machine, last_words  # noqa: E402


@dataclass
class Row:
    operation: str
    limit: int  # more is a failure now
    goal: int
    linux: str  # 6.1, Debian arm64, mitigations off, on the same emulator
    sel4: str  # 16-dev, release, fast path, on the same emulator


ROWS = {
    "request_reply": Row("request + reply between two processes, 5 words", 600, 400, "13,350", "1,412"),
    "page_fault": Row("page fault, handler in another process, resume", 1200, 800, "6,276", "1,085"),
}


def measure():
    """What the bench programs print, as {name: count}."""
    said = last_words(Machine(initrd=BUILD / "ramdisk/initrd-bench.tar", memory="1G", icount=True, bootargs="pmu"))
    counts = {name: int(count) for name, count in re.findall(r"\bbench (\w+) (\d+)\s", said)}
    if not counts:
        sys.exit(f"bench: no counts; the machine said:\n{said}")
    return counts


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
