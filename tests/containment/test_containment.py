#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the attempts of spec/containment.md in the shipped system: test_containment.py [--seed N] [--cpu CPU] [--gic N]
[--cpus N] [--el2] [TEXT: only those with it in their names]. The program in the machine prints the lines; that the shell
answers as before, which it is asked after each group of attempts, and how the processor is set up, are more of them."""

import argparse
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from guest import BUILD, PROMPT, Machine, file_of, qemu, ramdisk  # noqa: E402

SECONDS = 240
PROGRAM = "bin/containment"
DRIVER = "drivers/containment"  # the same: who watches has what drivers have
GROUPS = "instructions registers memory calls pointers random control-page races exhaustion devices floods leaks".split()
ASK = "echo @; ls /service; ls bin"  # the shell, registry, egg and console
DEBUGGER_SECONDS = 60

# Bits of SCTLR_EL1 (DDI 0487)
CHECKED = {3: "SA", 4: "SA0", 19: "WXN"}
OPEN = {1: "A", 9: "UMA", 15: "UCT", 26: "UCI"}


class Lines:
    """Takes what the commands print; passes on whole lines as they come, and counts."""

    def __init__(self):
        self.rest, self.failed, self.planned, self.count = b"", 0, 0, 0
        self.answers = []  # of the shell, each a list of lines

    def write(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.line(line.decode(errors="replace"))

    def flush(self):
        pass

    def line(self, text):
        if text == "@":
            self.answers.append([])
        elif re.match(r"(not )?ok \d+ - ", text):
            self.count += 1
            self.failed += text.startswith("not ")
            print(re.sub(r"\d+", str(self.count), text, count=1), flush=True)
        elif re.match(r"1\.\.\d+$", text):
            self.planned += int(text[3:])
        else:
            if self.answers:
                self.answers[-1].append(text)
            print("# " + text, flush=True)

    def verdict(self, good, text):
        self.line(f"{'' if good else 'not '}ok 0 - {text}")


def control_register(options):
    """SCTLR_EL1 while the shell waits, as a debugger sees it."""
    with tempfile.TemporaryDirectory() as folder:
        place = f"{folder}/gdb"
        words = Machine(**options).command("-monitor", "none", "-serial", "stdio")
        words += ["-gdb", f"unix:{place},server=on,wait=off"]
        machine = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            said = b""
            while PROMPT.encode() not in said:
                byte = machine.stdout.read(1)
                assert byte, said
                said += byte
            asked = ["gdb-multiarch", "-nx", "-batch", "-ex", f"target remote {place}", "-ex", "p/x (long)$SCTLR"]
            done = subprocess.run(asked, capture_output=True, text=True, timeout=DEBUGGER_SECONDS, check=False)
        finally:
            machine.kill()
            machine.communicate()
    found = re.search(r"\$1 = (0x[0-9a-f]+)", done.stdout)
    assert found, done.stdout + done.stderr
    return int(found[1], 16)


def check_processor(lines, options):
    """[CONTAIN-7]"""
    register = control_register(options)
    wrong = [name for bit, name in CHECKED.items() if not register >> bit & 1]
    wrong += [name for bit, name in OPEN.items() if register >> bit & 1]
    lines.verdict(not wrong, "the processor checks stack pointers" + (f": {register:#x}, {' '.join(wrong)}" if wrong else ""))


def check_shell(lines, asked, reason):
    """[CONTAIN-1] [CONTAIN-4]: a panic or a hang is the reason"""
    first = lines.answers[0] if lines.answers else []
    odd = [number for number, answer in enumerate(lines.answers[:asked]) if answer != first]
    good = not reason and first and not odd and len(lines.answers) >= asked
    lines.verdict(good, "the shell answers as before" + ("" if good else f": {reason}, {len(lines.answers)} answers, other {odd}"))


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
    files = {PROGRAM: program, DRIVER: program}
    files["system.dtb"] = (BUILD / "tests/containment/system.dtb").read_bytes()
    groups = [""] if options.text else GROUPS
    runs = [f"run containment {options.seed} '{options.text}' {group}; {ASK}" for group in groups]
    commands = "; ".join([ASK, *runs, "echo @", "run containment leave", "ps"])
    print(f"# seed {options.seed}", flush=True)
    lines = Lines()
    chosen = {key: getattr(options, key) for key in ("cpu", "gic", "cpus", "el2")}
    with ramdisk(files=files) as disk:
        # Time goes with the instructions, so a busy machine changes nothing.
        machine = Machine(initrd=disk.name, icount=True, **chosen)
        _, reason, tail = qemu.run_commands(machine, commands, lines, timeout=SECONDS)
    lines.verdict(lines.count == lines.planned > 0, "the attempts came to their end")
    check_shell(lines, 1 + len(runs), reason)
    # [SUP-16]
    left = lines.answers[-1] if lines.answers else []
    lines.verdict("lingers" not in "".join(left), "what a program has left behind ends with it")
    if reason:
        print("# " + tail.decode(errors="replace").replace("\r", "").replace("\n", "\n# "))
    check_processor(lines, chosen)
    print(f"1..{lines.count}")
    return lines.failed != 0


if __name__ == "__main__":
    sys.exit(main())
