#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boots the RAM disk with the system tests and passes their lines on: test_system.py [TEXT: only programs with it].

The runner in the machine (runner.c) speaks the Test Anything Protocol on the kernel's log; here the rest is taken off,
and a machine that stops or hangs before the plan is a failure."""

import re
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent.parent / "scripts"))

import qemu  # noqa: E402

SECONDS = 240
LINE = re.compile(r"^\[ *\d+\.\d+\] ((?:not )?ok \d+ - .*|# .*|1\.\.\d+|Bail out!.*)$")


def main():
    bootargs = f"test={sys.argv[1]}" if len(sys.argv) > 1 else ""
    machine = qemu.Machine(initrd=qemu.BUILD / "ramdisk/initrd-system.tar", bootargs=bootargs)
    words = machine.command("-monitor", "none", "-serial", "stdio", "-no-reboot")
    words += ["-icount", "shift=3,sleep=off"]  # time goes with the instructions, so a busy machine changes nothing
    failed, planned, others = 0, False, []
    with subprocess.Popen(["timeout", str(SECONDS), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as guest:
        for raw in guest.stdout:
            text = raw.decode(errors="replace").rstrip("\r\n")
            line = LINE.match(text)
            if line:
                print(line[1], flush=True)
                failed += line[1].startswith("not ok")
                planned = planned or line[1].startswith("1..")
            else:
                others.append(text)
    if not planned:
        print("Bail out! the machine stopped before the end; it said:")
        print("# " + "\n# ".join(others[-30:]))
    return failed != 0 or not planned


if __name__ == "__main__":
    sys.exit(main())
