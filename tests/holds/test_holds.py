#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How many instructions the kernel executes at most before it looks whether somebody waits. spec/scheduling.md.

Runs suites on one CPU, with holds.c in QEMU, and prints the longest stretches. Time goes with the instructions, but
for the stress suite, which makes load for a second a case. [SCHED-20] [TEST-HOLDS-1]"""

import argparse
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "system"))
sys.path.append(str(Path(__file__).resolve().parent.parent))

import test_system  # noqa: E402
from tap import CASES, case, main  # noqa: E402
from test_system import qemu  # noqa: E402

LIMIT = 40000  # [SCHED-20]
SECONDS = 200
SHOWN = 10
KERNEL = qemu.BUILD / "kernel/cavern.elf"
PLUGIN = qemu.BUILD / "tests/holds/libholds.so"
NAMED = re.compile(r"call_\w+|interrupt_handle|thread_fault|serve_step|end_step|job_destroy_dying")
ENTRIES = {0x400: "exception", 0x480: "interrupt", 0x580: "error"}  # of `vectors`: from user mode
SUITES = {"largest": "holds", "stress": "stress", "system": "system"}  # and the RAM disk
COUNTED_TIME = ["-icount", "shift=3,sleep=off"]


def symbols():
    """Lines for the plugin: what a stretch may be named after."""
    listing = subprocess.run(["nm", KERNEL], check=True, capture_output=True, text=True).stdout
    for address, name in re.findall(r"^([0-9a-f]+) [tT] (\w+)$", listing, re.MULTILINE):
        if NAMED.fullmatch(name):
            yield f"{address} {name}"
        if name == "vectors":
            yield from (f"{int(address, 16) + offset:x} {what}" for offset, what in ENTRIES.items())


def takes_plugins():
    words = ["qemu-system-aarch64", "-machine", "none", "-plugin", "no-such-file"]
    return "no-such-file" in subprocess.run(words, capture_output=True, text=True, check=False).stderr


def run(suite, seed, folder):
    """The longest stretches of a suite, longest first: instructions, name, where from and to."""
    names, report = folder / "symbols", folder / "report"
    names.write_text("\n".join(symbols()) + "\n")
    report.unlink(missing_ok=True)
    load = "" if suite == "system" else " seconds=1"
    machine = qemu.Machine(
        initrd=qemu.BUILD / f"ramdisk/initrd-{SUITES[suite]}.tar", memory="1G", bootargs=f"seed={seed} test={load}"
    )
    words = machine.command("-monitor", "none", "-serial", "stdio", "-no-reboot", "-seed", str(seed))
    words += [] if suite == "stress" else COUNTED_TIME
    words += ["-plugin", f"{PLUGIN},symbols={names},report={report}"]
    print(f"# {suite}, seed {seed}", flush=True)
    assert not test_system.follow(words, SECONDS, show=lambda line: not line.startswith(("ok", "1.."))), "the suite fails"
    lines = [line.split() for line in report.read_text().splitlines()]
    return sorted(((int(count), *rest) for count, *rest in lines), reverse=True)


def case_of(suite, seed):
    def check():
        with tempfile.TemporaryDirectory() as folder:
            found = run(suite, seed, Path(folder))
        for count, name, first, last in found[:SHOWN]:
            print(f"# {count:7,} {name} ({first} to {last})")
        assert found, "nothing was counted"
        assert found[0][0] <= LIMIT, f"{found[0][0]} instructions, more than {LIMIT}"

    check.__name__ = f"nobody_is_kept_out_for_long_by_{suite}"
    return check


def options():
    parser = argparse.ArgumentParser(description="Measures how long the kernel keeps others out.")
    parser.add_argument("suites", nargs="+", choices=SUITES)
    parser.add_argument("--seed", type=int, default=random.getrandbits(32), help="of what is drawn")
    return parser.parse_args()


if __name__ == "__main__":
    if not takes_plugins():
        print("1..0 # SKIP this QEMU takes no plugins")
        sys.exit(0)
    chosen = options()
    for one in chosen.suites:
        case(case_of(one, chosen.seed))
    assert CASES
    main()
