# SPDX-License-Identifier: BSD-2-Clause
"""Where the instructions of one row go: has QEMU write down each instruction that it executes, and counts those between
the two functions of count.c that enclose what is measured, by the function, inlined or not, that they come from."""

import json
import re
import subprocess
from collections import Counter

from guest import BUILD

OPERATIONS = 100  # that one profile covers; count.c
KERNEL = BUILD / "kernel/cavern.elf"
BENCH = BUILD / "ramdisk/bench.elf"
KERNEL_START = 1 << 63
EXECUTED = re.compile(r"Trace 0: \S+ \[[0-9a-f]+/([0-9a-f]+)/")
STOPPED = "Stopped"  # the one before was not executed, and comes again


def address_of(symbol):
    names = subprocess.run(["nm", BENCH], check=True, capture_output=True, text=True).stdout
    return int(re.search(rf"^([0-9a-f]+) . {symbol}$", names, re.MULTILINE)[1], 16)


def executed(machine):
    """The program counters of all instructions, from the reset on."""
    words = machine.command("-monitor", "none", "-serial", "null", "-no-reboot", "-singlestep", "-d", "exec,nochain")
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        try:
            last = None
            for line in process.stderr:
                found = EXECUTED.match(line)
                if found:
                    if last is not None:
                        yield last
                    last = int(found[1], 16)
                elif line.startswith(STOPPED):
                    last = None
        finally:
            process.kill()


def count_measured(machine):
    """How often each instruction was executed between the marks."""
    begin, end = address_of("measured_from_here"), address_of("measured_to_here")
    counts, measuring = Counter(), False
    for address in executed(machine):
        if address == end:
            return counts
        if measuring:
            counts[address] += 1
        measuring = measuring or address == begin
    return counts


def count_start(machine):
    """The same from the reset to the first instruction of the first process."""
    counts = Counter()
    for address in executed(machine):
        if "start" in counts and address < KERNEL_START:
            break
        counts[address] += 1
        if address >= KERNEL_START:
            counts["start"] = 0
    return counts


def functions_of(elf, addresses):
    """{address: (inlined function, function)}"""
    words = ["llvm-symbolizer", f"--obj={elf}", "--output-style=JSON"]
    asked = "\n".join(f"0x{address:x}" for address in addresses)
    said = subprocess.run(words, input=asked, check=True, capture_output=True, text=True).stdout
    found = {}
    for address, line in zip(addresses, said.splitlines()):
        frames = json.loads(line)["Symbol"]
        found[address] = (frames[0]["FunctionName"] or "?", frames[-1]["FunctionName"] or "?")
    return found


def profile(machine, row):
    """Prints the profile; 1 if there is no such row."""
    counts = count_start(machine) if row == "start" else count_measured(machine)
    del counts["start"]
    if not counts:
        print(f"no row {row}")
        return 1
    operations = 1 if row == "start" else OPERATIONS
    kernel = [address for address in counts if address >= KERNEL_START]
    user = [address for address in counts if address < KERNEL_START]
    functions = functions_of(KERNEL, kernel) | functions_of(BENCH, user)
    by_function = Counter()
    for address, count in counts.items():
        by_function[address >= KERNEL_START, *functions[address]] += count
    print(f"{'per operation':>13}  {'side':<6} function, and what it was inlined into")
    for (in_kernel, inner, outer), count in by_function.most_common():
        side = "kernel" if in_kernel else "user"
        print(f"{count / operations:>13.1f}  {side:<6} {inner}" + (f"  ({outer})" if inner != outer else ""))
    print(f"{sum(counts.values()) / operations:>13.1f}  all, the loop around the operation included")
    return 0
