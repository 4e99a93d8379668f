#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Machines and ways to boot that must all reach the shell: test_machines.py quick|full [--seed N | --named]. spec/boot.md.

Besides those that are named, a matrix is drawn: [BOOT-MATRIX-1]. The first tier takes a few of its machines."""

import argparse
import random
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from guest import BUILD, Machine, last_words, shell  # noqa: E402
from matrix import machines  # noqa: E402
from qemu import encoded  # noqa: E402
from tap import case, main  # noqa: E402

MACHINES = {
    "quick": {
        "newest": {"gic": 3, "cpu": "max", "el2": True, "memory": "128M"},  # [BOOT-ENTRY-1] [BOOT-MEMORY-1]
        "uboot": {"uboot": True},  # [BOOT-IMAGE-2]: U-Boot chooses another place than QEMU
        "four_processors": {"cpus": 4},  # [BOOT-CPUS-1]
        "unknown_option": {"bootargs": "cavern.unknown=1 quiet"},  # [BOOT-OPTION-1]
    },
    "full": {
        "uboot_128_mib": {"uboot": True, "memory": "128M"},
        "sixteen_processors_uboot": {"cpus": 16, "gic": 3, "uboot": True},
        "sixty_four_processors": {"cpus": 64, "gic": 3},  # [BOOT-CPUS-1]
    },
}

FACTORS = {
    "cpus": [1, 2, 4, 8],
    "gic": [2, 3],
    "cpu": ["cortex-a53", "cortex-a57", "cortex-a72", "cortex-a76", "max"],
    "memory": ["64M", "128M", "512M", "1G", "4G", "16G"],  # [BOOT-MEMORY-1]
    "el2": [False, True],  # [BOOT-ENTRY-1]
    "uboot": [False, True],
    "disk": [False, True],
}
WITHOUT = {(("memory", "64M"), ("uboot", True))}  # U-Boot loads behind the end of so little
SAMPLE = 2
CONFORMANCE = "message_"
CONFORMANCE_SECONDS = 60


@case
def image_has_the_boot_header():
    """[BOOT-IMAGE-1]"""
    image = Machine.image.read_bytes()
    branch, _, offset, size, flags, *reserved, magic, last = struct.unpack("<IIQQQQQQII", image[:64])
    assert branch >> 26 == 0b000101, hex(branch)
    assert (offset, flags, reserved, magic, last) == (0, 0b1010, [0, 0, 0], 0x644D5241, 0)
    assert size >= len(image), (size, len(image))


def reaches_the_shell(name, options):
    def check():
        said, status = shell("uptime; echo alive", Machine(**options))
        count = options.get("cpus", 1)
        assert status == 0 and said.endswith("alive\n"), (said, status)
        assert f"; {count} of {count} CPUs; " in said, said

    check.__name__ = f"{name}_reaches_the_shell"
    return check


@case
def refused_processors_stay_off():
    """[BOOT-CPUS-1]: the tree has two that the firmware does not know, before those that it does"""
    with tempfile.NamedTemporaryFile(suffix=".dtb") as tree:
        words = Machine(cpus=3, initrd=None).command()
        subprocess.run([*words, "-machine", f"dumpdtb={tree.name}"], check=True, capture_output=True)
        for number in (9, 8):
            node = f"/cpus/cpu@{number}"
            subprocess.run(["fdtput", "-c", tree.name, node], check=True)
            subprocess.run(["fdtput", "-t", "x", tree.name, node, "reg", str(number)], check=True)
            subprocess.run(["fdtput", "-t", "s", tree.name, node, "device_type", "cpu"], check=True)
        said = last_words(Machine(cpus=3, dtb=Path(tree.name), bootargs=encoded("uptime")))
    assert "CPU 8 stays off: " in said and "CPU 9 stays off: " in said and "; 3 of 5 CPUs; " in said, said


@case
def processors_that_the_kernel_does_not_serve_stay_off():
    """[BOOT-CPUS-1]: more than a mask has bits"""
    said = last_words(Machine(cpus=66, gic=3, bootargs=encoded("uptime")))
    assert "2 CPUs stay off: no more than 64 are served" in said and "; 64 of 66 CPUs; " in said, said


@case
def processors_that_the_interrupt_controller_does_not_serve_stay_off():
    """[BOOT-CPUS-1]: the tree has two more than GICv2 does, behind those that it serves"""
    with tempfile.NamedTemporaryFile(suffix=".dtb") as tree:
        words = Machine(cpus=8, gic=2, initrd=None).command()
        subprocess.run([*words, "-machine", f"dumpdtb={tree.name}"], check=True, capture_output=True)
        dump = subprocess.run(["dtc", "-q", "-O", "dts", tree.name], check=True, capture_output=True, text=True)
        last = re.search(r"cpu@7 \{.*?\};", dump.stdout, re.DOTALL).end()
        more = "".join(f'cpu@{i} {{ device_type = "cpu"; reg = <{i}>; }};' for i in (8, 9))
        source = dump.stdout[:last] + more + dump.stdout[last:]
        subprocess.run(["dtc", "-q", "-o", tree.name], input=source, check=True, text=True)
        said = last_words(Machine(cpus=8, gic=2, dtb=Path(tree.name), bootargs=encoded("uptime")))
    for number in (8, 9):
        assert f"CPU {number} stays off: the kernel or the interrupt controller serves no more" in said, said
    assert "; 8 of 10 CPUs; " in said, said


def conforms(options):
    """The cases of the system suite that are called so."""
    disk = BUILD / "ramdisk/initrd-system.tar"
    words = Machine(initrd=disk, bootargs=f"seed=1 test={CONFORMANCE}", **options).command(
        "-monitor", "none", "-serial", "stdio", "-no-reboot", "-icount", "shift=3,sleep=off"
    )
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=CONFORMANCE_SECONDS, check=False)
    said = done.stdout.decode(errors="replace")
    planned = int(said.partition("] 1..")[2].split()[0])
    assert said.count("] ok ") == planned > 30 and "not ok" not in said, said[-2000:]


def of_matrix(machine):
    def check():
        with tempfile.NamedTemporaryFile() as disk:
            disk.truncate(1 << 20)
            options = machine | {"disk": Path(disk.name) if machine["disk"] else None}
            reaches_the_shell("it", options)()
            conforms(options)

    check.__name__ = "_".join(f"{name}_{choice}" for name, choice in machine.items())
    return check


def parse():
    parser = argparse.ArgumentParser(description="Boots Cavern on many machines.")
    parser.add_argument("tier", choices=MACHINES)
    parser.add_argument("--seed", type=int, default=random.getrandbits(32), help="of the matrix")
    parser.add_argument("--named", action="store_true", help="those alone that have names, none of the matrix")
    return parser.parse_args()


def add_cases(tier, seed, named):
    for name, choices in MACHINES[tier].items():
        case(reaches_the_shell(name, choices))
    if named:
        return
    matrix = machines(FACTORS, WITHOUT, seed)
    for machine in random.Random(seed).sample(matrix, SAMPLE) if tier == "quick" else matrix:
        case(of_matrix(machine))


if __name__ == "__main__":
    chosen = parse()
    print(f"# seed {chosen.seed}: test_machines.py {chosen.tier} --seed {chosen.seed} draws the same machines", flush=True)
    add_cases(chosen.tier, chosen.seed, chosen.named)
    main()
