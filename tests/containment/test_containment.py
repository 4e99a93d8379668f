#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the attempts of spec/containment.md in the shipped system: test_containment.py [--seed N] [--cpu CPU] [--gic N]
[--cpus N] [--el2] [TEXT: only those with it in their names]. The program in the machine prints the lines; that the shell goes on afterwards is one more."""

import argparse
import random
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from guest import BUILD, Machine, file_of, qemu, ramdisk  # noqa: E402

SECONDS = 240
PROGRAM = "bin/containment"


class Lines:
    """Takes what the commands print; passes on whole lines as they come, and counts."""

    def __init__(self):
        self.rest, self.failed, self.planned, self.count, self.others = b"", 0, False, 0, []

    def write(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.line(line.decode(errors="replace"))

    def flush(self):
        pass

    def line(self, text):
        if text.startswith("1.."):
            self.planned = True
        elif text.startswith(("ok ", "not ok ")):
            self.count += 1
            self.failed += text.startswith("not ok ")
            print(text, flush=True)
        else:
            self.others.append(text)
            print("# " + text, flush=True)

    def verdict(self, good, text):
        self.line(f"{'' if good else 'not '}ok {self.count + 1} - {text}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", nargs="?", default="")
    parser.add_argument("--seed", type=int, default=random.getrandbits(32), metavar="N", help="that a run has printed")
    parser.add_argument("--cpu", default=Machine.cpu)
    parser.add_argument("--gic", type=int, default=Machine.gic)
    parser.add_argument("--cpus", type=int, default=Machine.cpus)
    parser.add_argument("--el2", action="store_true")
    options = parser.parse_args()
    program = file_of(PROGRAM, BUILD / "ramdisk/initrd-containment.tar")
    files = {PROGRAM: program, "system.dtb": (BUILD / "tests/containment/system.dtb").read_bytes()}
    commands = f"run containment {options.seed} '{options.text}'; run containment leave; ps"
    lines = Lines()
    with ramdisk(files=files) as disk:
        # Time goes with the instructions, so a busy machine changes nothing.
        chosen = {key: getattr(options, key) for key in ("cpu", "gic", "cpus", "el2")}
        machine = Machine(initrd=disk.name, icount=True, **chosen)
        status, reason, tail = qemu.run_commands(machine, commands, lines, timeout=SECONDS)
    # [CONTAIN-1]: a panic or a hang is the reason
    lines.verdict(not reason and status == 0, "the shell goes on" + (f": {reason}" if reason else ""))
    # [SUP-16]
    lines.verdict("lingers" not in "".join(lines.others), "what a program has left behind ends with it")
    if reason:
        print("# " + tail.decode(errors="replace").replace("\r", "").replace("\n", "\n# "))
    if not lines.planned:
        print("Bail out! the attempts did not come to their end")
    print(f"1..{lines.count}")
    return lines.failed != 0 or not lines.planned


if __name__ == "__main__":
    sys.exit(main())
