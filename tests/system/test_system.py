#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boots the RAM disk with the system tests and passes their lines on.

The runner in the machine (runner.c) speaks the Test Anything Protocol on the kernel's log; here the rest is taken off,
and a machine that stops or hangs before all that was planned has run is a failure. The seed gives the order of the
cases and all that QEMU leaves to chance: with the same one a run is repeated to the instruction."""

import argparse
import random
import re
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent.parent / "scripts"))

import qemu  # noqa: E402

SECONDS = 240
LINE = re.compile(r"^\[ *\d+\.\d+\] ((?:not )?ok \d+ - .*|# .*|1\.\.(\d+)|Bail out!.*)$")


def parse():
    parser = argparse.ArgumentParser(description="Runs the system tests.")
    parser.add_argument("text", nargs="?", default="", help="only the programs whose name holds it")
    parser.add_argument("--seed", type=int, default=random.getrandbits(32), help="of a run that is to be repeated")
    parser.add_argument("--gic", type=int, default=qemu.Machine.gic, help="interrupt controller: 2 or 3")
    parser.add_argument("--cpu", default=qemu.Machine.cpu, help="model of the processor")
    parser.add_argument("--memory", default=qemu.Machine.memory, help="such as 128M")
    parser.add_argument("--cpus", type=int, default=qemu.Machine.cpus, help="how many")
    parser.add_argument("--bootargs", default="", help="further options of the kernel")
    parser.add_argument("--el2", action="store_true", help="enter the kernel at EL2")
    return parser.parse_args()


def follow(words, seconds, show=lambda line: True):
    """Runs QEMU and passes the lines of the runner on that are to be shown; True: something failed, or the machine stopped
    before the end."""
    planned, run, failed, others = None, 0, 0, []
    with subprocess.Popen(["timeout", str(seconds), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as guest:
        for raw in guest.stdout:
            text = raw.decode(errors="replace").rstrip("\r\n")
            line = LINE.match(text)
            if line:
                if show(line[1]):
                    print(line[1], flush=True)
                planned = int(line[2]) if line[2] else planned
                run += line[1].startswith(("ok", "not ok"))
                failed += line[1].startswith("not ok")
            else:
                others.append(text)
    if not planned or run != planned:
        print("Bail out! the machine stopped before the end; it said:")
        print("# " + "\n# ".join(others[-30:]))
    return failed != 0 or not planned or run != planned


def main():
    options = parse()
    print(f"# seed {options.seed}: test_system.py {options.text} --seed {options.seed} repeats this run", flush=True)
    bootargs = f"seed={options.seed} test={options.text} {options.bootargs}".strip()
    machine = qemu.Machine(
        initrd=qemu.BUILD / "ramdisk/initrd-system.tar",
        bootargs=bootargs,
        gic=options.gic,
        cpu=options.cpu,
        memory=options.memory,
        el2=options.el2,
        cpus=options.cpus,
    )
    words = machine.command("-monitor", "none", "-serial", "stdio", "-no-reboot", "-seed", str(options.seed))
    words += ["-icount", "shift=3,sleep=off"]  # time goes with the instructions, so a busy machine changes nothing
    return follow(words, SECONDS)


if __name__ == "__main__":
    sys.exit(main())
