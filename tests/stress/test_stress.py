#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boots the RAM disk with the stress suite and passes its lines on.

Each case keeps all CPUs busy for so many seconds and then counts what has come of it. The CPUs run side by side, so the
seed gives what is drawn, but not who comes first: a finding comes back with its seed sooner or later, if not at once."""

import argparse
import random
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "system"))

import test_system  # noqa: E402
from test_system import qemu  # noqa: E402

CASES = 16  # at most
MARGIN = 40  # seconds that the machine may take beside its cases


def parse():
    parser = argparse.ArgumentParser(description="Runs the stress suite.")
    parser.add_argument("text", nargs="?", default="", help="only the programs whose name holds it")
    parser.add_argument("--seed", type=int, default=random.getrandbits(32), help="of what is drawn")
    parser.add_argument("--seconds", type=int, default=1, help="of load in each case")
    parser.add_argument("--cpus", type=int, default=4, help="how many")
    parser.add_argument("--gic", type=int, default=2, help="interrupt controller: 2 or 3")
    return parser.parse_args()


def main():
    options = parse()
    again = f"test_stress.py {options.text} --seed {options.seed} --seconds {options.seconds} --cpus {options.cpus}"
    print(f"# seed {options.seed}: {again} runs the same load", flush=True)
    machine = qemu.Machine(
        initrd=qemu.BUILD / "ramdisk/initrd-stress.tar",
        bootargs=f"seed={options.seed} seconds={options.seconds} test={options.text}",
        cpus=options.cpus,
        gic=options.gic,
        memory="1G",
    )
    words = machine.command("-monitor", "none", "-serial", "stdio", "-no-reboot", "-seed", str(options.seed))
    return test_system.follow(words, CASES * (options.seconds + 5) + MARGIN)


if __name__ == "__main__":
    sys.exit(main())
