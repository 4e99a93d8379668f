#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Machines and ways to boot that must all reach the shell: test_machines.py quick|full. spec/boot.md."""

import struct
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from guest import Machine, last_words, shell  # noqa: E402
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
        "gicv2": {"gic": 2},  # [BOOT-MEMORY-1]
        "gicv3": {"gic": 3},
        "128_mib": {"memory": "128M"},
        "4_gib": {"memory": "4G"},
        "cortex_a53": {"cpu": "cortex-a53"},
        "max": {"cpu": "max"},
        "el2": {"el2": True},  # [BOOT-ENTRY-1]
        "el2_gicv3": {"el2": True, "gic": 3},
        "uboot_gicv3": {"uboot": True, "gic": 3},
        "uboot_el2": {"uboot": True, "el2": True},
        "uboot_128_mib": {"uboot": True, "memory": "128M"},
        "uboot_4_gib": {"uboot": True, "memory": "4G"},
        "two_processors_el2": {"cpus": 2, "el2": True},
        "eight_processors_gicv2": {"cpus": 8},
        "sixteen_processors_uboot": {"cpus": 16, "gic": 3, "uboot": True},
    },
}


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


if __name__ == "__main__":
    if sys.argv[1] == "quick":
        case(refused_processors_stay_off)
    for machine, choices in MACHINES[sys.argv[1]].items():
        case(reaches_the_shell(machine, choices))
    main()
